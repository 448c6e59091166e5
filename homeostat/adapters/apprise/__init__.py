"""Sends messages to people through Apprise: chat, pagers, e-mail, webhooks, by one address each.

Sends to the address it is given and nowhere else. Loads Apprise, which is heavy, only when something is sent.
May import the kernel.
"""
