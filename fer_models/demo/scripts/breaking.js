// Break it: the slider chooses which step is seen. `element` holds all of them.
element.addEventListener("input", ({ target }) => {
    const steps = element.querySelectorAll(".fer-step");
    steps.forEach((step, index) => (step.hidden = index !== Number(target.value)));
    target.setAttribute("aria-valuetext", steps[target.value].dataset.level);
});
