// Elements from plain data. Text only ever becomes text nodes, so nothing a loop says can become markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    const spoken = name.startsWith("aria-"); // there false is said, not left out
    if (value === null || value === undefined || (value === false && !spoken)) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === "style") for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true && !spoken ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

// Runs `draw` only when what it depends on has changed: a redraw would lose focus and selection.
export function whenChanged(draw) {
  let last;
  return (key, ...args) => {
    const now = JSON.stringify(key);
    if (now === last) return;
    last = now;
    draw(...args);
  };
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Calls back with the width of `node` now and whenever it changes.
export function onWidth(node, callback) {
  let last = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width === last || width === 0) return;
    last = width;
    requestAnimationFrame(() => callback(width));
  }).observe(node);
}

// Says that all is drawn: a chart is, in the frame after the one in which its width is known.
export function markReady() {
  requestAnimationFrame(() => requestAnimationFrame(() => (document.body.dataset.ready = "true")));
}
