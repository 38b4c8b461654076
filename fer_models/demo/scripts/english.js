// Runs before gradio draws anything. Its widgets get their words when they are drawn, in the browser's language; here they
// all begin in English, and `page.js` exchanges them.
{
    // This file exports the function that gradio's own choice of a language calls.
    const core = performance.getEntriesByType("resource").find(({ name }) => /\/assets\/core-[^/]*\.js$/.test(name));
    if (core) import(core.name).then(({ changeLocale }) => {
        changeLocale("en");
        // The words of the browser's language may still be on their way, and gradio turns to them when they come.
        const page = document.documentElement;
        const keep = () => page.lang !== "en" && changeLocale("en");
        new MutationObserver(keep).observe(page, { attributeFilter: ["lang"] });
    });
}
