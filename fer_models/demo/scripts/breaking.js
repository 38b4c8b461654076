// Break it: the slider chooses which step is seen. `element` holds all of them; new ones begin at the first.
watch("value", () => {
    const slider = element.querySelector("input");
    if (slider) slider.value = 0; // else it would stay where it was moved to
});
element.addEventListener("input", ({ target }) => {
    const steps = element.querySelectorAll(".fer-step");
    steps.forEach((step, index) => (step.hidden = index !== Number(target.value)));
    target.setAttribute("aria-valuetext", steps[target.value].dataset.level);
});
