/* What is folded on the screen is unfolded on paper. */

export function unfoldForPaper() {
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    unfolded.forEach((one) => {
      one.open = true;
    });
  });
  window.addEventListener("afterprint", () => {
    unfolded.forEach((one) => {
      one.open = false;
    });
  });
}
