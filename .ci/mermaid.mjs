// Parses each file named on the command line with Mermaid. Read by .ci/pictures, which says what is installed.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

// Mermaid cleans labels with DOMPurify, which wants a page when it is loaded.
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

for (const file of process.argv.slice(2)) {
    try {
        const text = readFileSync(file, "utf8");
        const { diagramType } = await mermaid.parse(text);
        if (!diagramType.startsWith("flowchart")) throw new Error(`a ${diagramType}, not a flowchart`);
        // Only drawing looks at the length: Mermaid then draws an error instead.
        const limit = mermaid.mermaidAPI.getConfig().maxTextSize;
        if (text.length > limit) throw new Error(`${text.length} characters, and Mermaid draws at most ${limit}`);
        console.log(`ok      ${file}`);
    } catch (error) {
        console.log(`FAILED  ${file}`);
        console.log(error.message.replace(/^/gm, "        "));
    }
}
