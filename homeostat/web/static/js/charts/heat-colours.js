// Classes of how many times its limit a distance is, and their colours, light to strong in both themes.

export const BORDERS = [0.25, 0.5, 1, 2.5, 5, 15];

const LIGHT = ["#f2f2f4", "#e6e3e0", "#fbdfa8", "#f5b556", "#e2832b", "#b8501c", "#75270f"];
const DARK = ["#1c1c22", "#2b2a2e", "#50391b", "#86591b", "#c07f22", "#efac4a", "#ffe0a3"];

export const colours = (dark) => (dark ? DARK : LIGHT);

export const classOf = (times) => {
  const index = BORDERS.findIndex((border) => times < border);
  return index < 0 ? BORDERS.length : index;
};
