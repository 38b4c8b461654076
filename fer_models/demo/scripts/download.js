// Hands a file over that came as a link with the content in it. `element` holds the link.
watch("value", () => element.querySelector("a[download]")?.click());
