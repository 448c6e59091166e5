"""Delta Lake on local disk: tables of facts and logs of predictions, in versions that stay readable.

Owns tables/<table>/ and log/<loop>/; one process appends to a folder, any number read it.
May import data, features and the kernel.
"""
