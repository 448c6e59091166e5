// Which loop this is, whether it lives, and where in event time it stands.
import { h, setText, whenChanged } from "../dom.js";
import { at, date, percent } from "../format.js";
import { brandMark, icon } from "../icons.js";
import { isDark, onTheme, toggleTheme } from "../theme.js";

const PAGE_TITLE = document.body.dataset.page === "overview" ? "" : document.title.split(" · ")[0];

export function mountHeader(root) {
  const loop = h("div", { class: "brand-loop" });
  const place = h("div", { class: "place" });
  const pill = h("span", { class: "pill" });
  root.append(h("div", { class: "top-inner" },
    h("div", { class: "brand" }, brandMark(), h("span", { class: "brand-name" }, "Homeostat"),
      h("span", { class: "brand-slash", "aria-hidden": "true" }, "/"), loop),
    place,
    h("div", { class: "top-side" }, pill, themeButton())), pages());
  const replay = replayProgress(place);
  const names = whenChanged((state) => loop.replaceChildren(loopName(state)));
  return (state) => {
    names([state.loop, state.loops], state);
    replay(state.overview);
    const [tone, word] = liveness(state);
    pill.dataset.tone = tone;
    setText(pill, word);
    document.title = [PAGE_TITLE, state.loop, "Homeostat"].filter(Boolean).join(" · ");
  };
}

function loopName(state) {
  if (state.loops.length < 2) return h("h1", null, state.loop ?? "no loop");
  const choose = (event) => (location.search = `?loop=${encodeURIComponent(event.target.value)}`);
  return h("select", { "aria-label": "Loop", on: { change: choose } },
    state.loops.map(({ name }) => h("option", { value: name, selected: name === state.loop }, name)));
}

const PAGES = [["overview", "./", "Overview"], ["alerts", "alerts", "Alerts"], ["tables", "tables", "Tables"], ["features", "features", "Features"], ["prediction", "prediction", "Prediction"], ["lineage", "lineage", "Lineage"], ["diagnosis", "diagnosis", "Diagnosis"], ["economics", "economics", "Economics"], ["backtest", "backtest", "Back-test"]];

// The pages; the chosen loop goes along.
function pages() {
  const loop = new URLSearchParams(location.search).get("loop");
  const query = loop ? `?loop=${encodeURIComponent(loop)}` : "";
  const nav = h("nav", { class: "pages", "aria-label": "Pages" }, PAGES.map(([page, path, label]) =>
    h("a", { href: path + query, "aria-current": document.body.dataset.page === page ? "page" : null }, label)));
  requestAnimationFrame(() => showCurrent(nav));
  return nav;
}

// On a narrow screen the row is longer than the screen: where one is, is seen.
function showCurrent(nav) {
  const current = nav.querySelector("[aria-current]");
  if (current) nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
}

function liveness({ connection, overview }) {
  if (!connection.ok) return ["warn", "Unreachable"];
  if (!overview) return ["plain", "Connecting"];
  if (overview.activity) return ["busy", "Working"];
  if (overview.clock !== "replay") return ["good", "Live"];
  return overview.replay?.done ? ["plain", "Replay done"] : ["good", "Replaying"];
}

function replayProgress(place) {
  const now = h("span", { class: "place-now" });
  const note = h("span", { class: "place-note" });
  const fill = h("div", { class: "progress-fill" });
  const bar = h("div", { class: "progress", role: "progressbar", "aria-label": "Replay", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  place.append(h("div", { class: "place-words" }, now, note), bar);
  return (overview) => {
    const replay = overview?.replay;
    bar.hidden = !replay;
    setText(now, overview?.now ? date(at(overview.now)) : "");
    if (!replay) return setText(note, overview ? "UTC" : "");
    const share = replayed(replay);
    setText(note, noteOf(overview));
    fill.style.setProperty("width", `${(share * 100).toFixed(2)}%`);
    bar.setAttribute("aria-valuenow", Math.round(share * 100));
    bar.setAttribute("aria-valuetext", `${percent(share)} replayed`);
  };
}

function noteOf({ replay, route }) {
  if (replay.done) return "all of it is replayed";
  return route?.champion ? `on the way to ${date(at(replay.until) - 1)}` : replay.phase;
}

function replayed(replay) {
  const [start, until, now] = [replay.start, replay.until, replay.at].map(at);
  return replay.done ? 1 : Math.min(1, Math.max(0, (now - start) / (until - start)));
}

function themeButton() {
  const button = h("button", { type: "button", class: "icon-button", id: "theme", on: { click: toggleTheme } });
  const draw = () => {
    const name = isDark() ? "Switch to the light theme" : "Switch to the dark theme";
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", name);
    button.title = name;
  };
  onTheme(draw);
  draw();
  return button;
}
