// Classes of PSI and their colours, light to strong in both themes; the borders 0.1 and 0.2 are the customary marks.

export const BORDERS = [0.05, 0.1, 0.2, 0.5, 1, 3];

const LIGHT = ["#f2f2f4", "#e6e3e0", "#fbdfa8", "#f5b556", "#e2832b", "#b8501c", "#75270f"];
const DARK = ["#1c1c22", "#2b2a2e", "#50391b", "#86591b", "#c07f22", "#efac4a", "#ffe0a3"];

export const colours = (dark) => (dark ? DARK : LIGHT);

export const classOf = (psi) => {
  const index = BORDERS.findIndex((border) => psi < border);
  return index < 0 ? BORDERS.length : index;
};
