// Pictures to try. `element` holds them.
element.addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]");
    if (example) trigger("click", { example: Number(example.dataset.example) });
});
