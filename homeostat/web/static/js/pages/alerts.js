// Alerts: what is wrong now and how urgent it is, whether anybody is told, and what became of earlier ones.
import { api } from "../api.js";
import { h, setText, whenChanged } from "../dom.js";
import { at as ms, count, dateAndTime, known, NONE, percent, plural, span } from "../format.js";
import { at, startPage } from "../page.js";
import { askReason } from "../reason-dialog.js";
import { card, cell, emptyCard, table } from "./parts.js";

const TONES = { P0: "bad", P1: "bad", P2: "warn", P3: "plain" };
const INSTALLATION = "*";
const SPANS = [["1 hour", 1], ["8 hours", 8], ["1 day", 24], ["3 days", 72], ["7 days", 168], ["30 days", 720]];
const LONGEST_LIST = 50; // alerts that are over

async function read(state) {
  return { loop: state.loop, told: state.loop ? await api.alerts(state.loop) : null };
}

const openOf = (told) => told.alerts.filter(({ status }) => status === "open");
const upper = (text) => `${text[0].toUpperCase()}${text.slice(1)}`;

function headline({ told }) {
  if (!told) return ["No loop is here yet.", "Alerts show once a loop runs."];
  const open = openOf(told);
  const nobody = told.addresses.length ? "" : " No address is configured: they are shown here and sent to nobody.";
  if (!open.length) return ["Nothing is wrong that is watched.", `${plural(told.rules.length, "rule")} are read of every day, of every decision and of the loop itself.${nobody}`];
  const late = open.filter(({ overdue, silenced }) => overdue && !silenced).length;
  const main = `${plural(open.length, "alert")} open, the most urgent ${open[0].severity}.`;
  const more = late ? `${plural(late, "alert")} should have been acknowledged by now.` : "None is past its time.";
  return [main, `${more}${nobody}`];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

const pill = (severity) => h("span", { class: "pill", "data-tone": TONES[severity] }, severity);

function clockOf({ acknowledged, silenced, due, overdue, acknowledge_within: within, escalations, messages }, now) {
  if (acknowledged) return `Acknowledged by ${acknowledged.actor}${acknowledged.reason ? `: ${acknowledged.reason}` : ""}.`;
  if (silenced) return "Silenced.";
  if (!due) return "";
  const left = (ms(due) - now) / 1000;
  const again = escalations && messages.length ? ` Sent again ${plural(escalations, "time")}.` : "";
  if (overdue) return h("span", { class: "late" }, `Not acknowledged within ${within}.${again}`);
  return `To be acknowledged within ${span(left)}.${again}`;
}

function alertOf(one, told, shown) {
  const button = (label, act) => h("button", { type: "button", class: "button", "aria-label": `${label.replace("…", "")} ${one.rule} ${one.subject}`, on: { click: act } }, label);
  const seen = one.count > 1 ? `${count(one.count)} times, last ${one.last_window}` : `of ${one.window}`;
  const where = one.loop === INSTALLATION ? "the installation" : one.subject;
  const cause = one.cause && one.cause !== one.text;
  return h("article", { class: "alert", data: { alert: one.id } }, pill(one.severity),
    h("div", null, h("h3", null, upper(one.says)), h("p", null, one.text || where),
      cause && h("p", { class: "alert-cause" }, `Most likely cause: ${one.cause}`),
      h("p", { class: "alert-facts" }, `Since ${dateAndTime(ms(one.opened_at))}, ${seen}. `, clockOf(one, ms(told.now)), sentTo(one)),
      h("p", { class: "alert-facts" }, one.do)),
    h("div", { class: "alert-do" },
      !one.acknowledged && button("Acknowledge…", () => askSeen(one)),
      button("Resolve…", () => askEnd(one)),
      one.loop !== INSTALLATION && !one.silenced && button("Silence…", () => askSilence(one, told, shown.loop))));
}

function sentTo({ messages }) {
  const arrived = [...new Set(messages.filter(({ status }) => status === "sent").map(({ to }) => to))];
  const lost = [...new Set(messages.filter(({ status, problem }) => status !== "sent" && problem).map(({ to }) => to))];
  return `${arrived.length ? ` Sent to ${arrived.join(", ")}.` : ""}${lost.length ? ` Did not reach ${lost.join(", ")} yet.` : ""}`;
}

const LABEL = "Reason, for whoever looks at it later";

function askSeen(one) {
  askReason({
    name: "seen", title: "Acknowledge this alert?", verb: "Acknowledge", failed: "It was not acknowledged.", label: LABEL, done: page.refresh,
    after: "Its clock stops, and it is not sent again unless it gets worse.",
    act: (reason) => api.acknowledge(one.id, reason),
  });
}

function askEnd(one) {
  const choice = (value, text) => h("label", null, h("input", { type: "radio", name: "acted", value, required: true }), ` ${text}`);
  askReason({
    name: "end", title: "Resolve this alert?", verb: "Resolve", failed: "It was not resolved.", label: LABEL, done: page.refresh,
    after: "The share acted on is shown for each rule: it says which rules are worth their noise.",
    more: [h("fieldset", null, h("legend", null, "Did anybody do something because of it?"), choice("yes", "Yes"), choice("no", "No"))],
    act: (reason, form) => api.resolve(one.id, { acted_on: form.get("acted") === "yes", reason }),
  });
}

function askSilence(one, told, loop) {
  const hours = h("select", { id: "silence-span", name: "hours" }, SPANS.map(([label, value]) => h("option", { value, selected: value === 24 }, label)));
  const subject = one.subject === "inputs" ? null : one.subject;
  askReason({
    name: "silence", title: `Silence ${one.rule}${subject ? ` of ${subject}` : ""}?`, verb: "Silence", failed: "Nothing was silenced.", label: LABEL, done: page.refresh,
    after: "Nothing of it is sent until then. It is still listed here, and sent if it lasts.",
    more: [h("label", { for: "silence-span" }, "For how long"), hours],
    act: (reason, form) => api.silence(loop, {
      rule: one.rule, subject, reason,
      until: new Date(ms(told.now) + Number(form.get("hours")) * 3_600_000).toISOString(),
    }),
  });
}

const drawOpen = card(at("open"), "open-title", "Open", "One line for one problem, however often it is seen. It goes by itself once its signal is back within its limit.");
const opened = whenChanged((told, shown) => {
  const open = openOf(told);
  drawOpen(open.length ? open.map((one) => alertOf(one, told, shown)) : emptyCard("No alert is open", "What comes is listed here, the most urgent first, and sent to the addresses that are configured."));
});

const drawSilences = card(at("silences"), "silences-title", "Silences", "Each has an end and a reason.");
const silenced = whenChanged(({ silences }) => {
  if (!silences.length) return drawSilences(emptyCard("Nothing is silenced", "An alert can be silenced for a while, by its rule and subject."));
  drawSilences(table("silences-title", [["What"], ["Until"], ["By"], ["Reason"], [""]], silences.map((one) => h("tr", null,
    h("th", { scope: "row" }, [one.rule, one.subject].filter(Boolean).join(", ") || "everything"),
    cell(dateAndTime(ms(one.until))), cell(one.actor, "soft"), cell(one.reason, "wide"),
    h("td", null, h("button", { type: "button", class: "button", on: { click: () => api.endSilence(one.id).then(page.refresh, page.refresh) } }, "End"))))));
});

const drawMessages = card(at("messages"), "messages-title", "Messages", "Addresses by name; what they are is configured beside the loop file and shown nowhere.");
const messaged = whenChanged(({ addresses }) => {
  if (!addresses.length) return drawMessages(emptyCard("No address is configured", "Set HOMEOSTAT_ALERTS_CHAT or write a file of addresses; until then alerts go to this page, the log and the command line."));
  drawMessages(table("messages-title", [["Address"], ["State"], ["Last arrived"], ["Problem"]], addresses.map((one) => h("tr", null,
    h("th", { scope: "row" }, one.name),
    h("td", null, h("span", { class: "pill", "data-tone": one.failing ? "bad" : one.last_arrived ? "good" : "plain" }, one.failing ? "Failing" : one.last_arrived ? "Works" : "Not tried")),
    cell(one.last_arrived ? dateAndTime(ms(one.last_arrived)) : NONE), cell(one.problem ?? "", "soft")))));
});

const drawRules = card(at("rules"), "rules-title", "Rules", "How urgent each is, and the share of its alerts that somebody acted on.");
const ruled = whenChanged(({ rules }) => drawRules(table("rules-title", [["Rule"], ["Severity"], ["Means"], ["Raised", "n"], ["Open", "n"], ["Acted on", "n"], [""]], rules.map((one) => h("tr", null,
  h("th", { scope: "row" }, one.rule), h("td", null, one.severity ? pill(one.severity) : "off"), cell(one.says, "wide"),
  cell(count(one.raised), "n"), cell(count(one.open), "n"), cell(known(one.share_acted_on) ? percent(one.share_acted_on) : NONE, "n"),
  cell(one.noise ? "Hardly ever acted on: raise its limit" : "", "soft"))))));

const drawPast = card(at("past"), "past-title", "Over", "Newest first.");
const passed = whenChanged((past) => {
  if (!past.length) return drawPast(emptyCard("No alert is over yet", "Alerts that end are kept here, with who ended them and whether anybody acted."));
  const marked = { true: "Yes", false: "No", null: NONE };
  drawPast(table("past-title", [["Alert"], ["Severity"], ["What"], ["Since"], ["Over"], ["Why"], ["Acted on"]], past.slice(0, LONGEST_LIST).map((one) => h("tr", null,
    h("th", { scope: "row" }, one.rule), h("td", null, pill(one.severity)), cell(one.text || one.subject, "wide"),
    cell(dateAndTime(ms(one.opened_at))), cell(dateAndTime(ms(one.resolved.at))), cell(`${one.resolved.reason} (${one.resolved.actor})`, "soft"), cell(marked[one.acted_on])))));
});

function draw({ shown }) {
  drawStatus(shown);
  if (!shown.told) return;
  const { told } = shown;
  opened([Math.floor(ms(told.now) / 60_000), openOf(told)], told, shown);
  silenced(told.silences, told);
  messaged(told.addresses, told);
  ruled(told.rules, told);
  const past = told.alerts.filter(({ status }) => status !== "open");
  passed(past, past);
}

const page = startPage({ read, draw });
