// `work report --format html` in a real Chromium: a report of a night, and one whose texts are hostile. Both at 1280 and 360
// pixels, light, dark and on paper: nothing is asked of a network, nothing runs, nothing is too wide, every thread can be
// seen, and axe-core finds no serious obstacle.
//
//     node report.mjs WORK FOLDER CHROMIUM NIGHT [PICTURES]
//
// NIGHT is tests/data/workspaces/night. With PICTURES it checks nothing, and writes the pictures of the README to that
// folder. They are set in Inter (Debian: fonts-inter), which is close to the fonts of people's desktops.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [work, folder, chromium, night, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const run = (root, ...args) =>
    execFileSync(work, args, { cwd: root, encoding: "utf8", env: { ...process.env, WORK_ROOT: root }, maxBuffer: 1 << 26 });

// Each of these would show if it were more than text.
const HOSTILE = [
    "<script>window.ran = 1</script>",
    "</style><script>window.ran = 2</script><style>",
    "\"><img src=x onerror='window.ran = 3'>",
    "<svg onload='window.ran = 4'>",
    "<iframe srcdoc='<script>parent.ran = 5</script>'></iframe>",
    "<img src=https://example.invalid/seen>",
    "<link rel=stylesheet href=https://example.invalid/x.css><style>body{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=https://example.invalid'>",
    "' autofocus onfocus='window.ran = 6",
    "javascript:window.ran=7",
    "</main></body></html><!--",
    "\u202egnp.exe \u2066 \u200f hidden \u0007",
];
const LONG = "x".repeat(1_900);

function hostileWorkspace(root) {
    const stream = join(root, "work/001-hostile");
    mkdirSync(stream, { recursive: true });
    const threads = HOSTILE.map((text, at) =>
        `###### Thread ${at + 1}: ${text.replaceAll("#", "")} ${"w".repeat(at * 40)} @agent:system-engineer-codex\n` +
        `**Summary:** ${text}\n**Details:** ${text}\n`);
    writeFileSync(join(stream, "PLAN.md"), `# Plan: ${HOSTILE[0]}\n## Stages\n### Stage 1: ${HOSTILE[2]}\n##### Batch 1: ${HOSTILE[3]}\n${threads.join("")}`);
    const index = { version: "1.0.0", streams: [{ id: "001-hostile", name: "hostile", approval: { status: "approved", approved_by: HOSTILE[0] } }] };
    writeFileSync(join(root, "work/index.json"), JSON.stringify(index));
    HOSTILE.forEach((text, at) => {
        const thread = `01.01.${String(at + 1).padStart(2, "0")}`;
        const report = (status, ...more) => run(root, "update", "--thread", thread, "--status", status, ...more);
        report("in_progress");
        const said = text.replaceAll("\u0000", "");
        if (at % 4 === 0) report("failed", "--report", said, "--transient");
        else if (at % 4 === 1) report("blocked", "--report", `${said} ${LONG}`.slice(0, 2_000));
        else if (at % 4 === 2) report("completed", "--report", said, "--artifact", said, "--next-step", said);
    });
    // Other software may write more than `work` takes.
    const path = join(stream, "threads.json");
    const state = JSON.parse(readFileSync(path, "utf8"));
    state.threads[1].report = `${HOSTILE[1]} ${"long ".repeat(20_000)}`;
    state.threads[2].artifacts = [...HOSTILE, "https://example.invalid/pull/1", "src/a.rs", "docs/x.html", LONG];
    state.threads[2].sessions[0].startedAt = "";
    writeFileSync(path, JSON.stringify(state));
}

/** Writes the page of a workspace and returns where it is, with the ids of its threads. */
function pageOf(root) {
    const path = join(root, "report.html");
    writeFileSync(path, run(root, "report", "--format", "html"));
    const report = JSON.parse(run(root, "report", "--json"));
    const threads = report.stages.flatMap((stage) => stage.batches).flatMap((batch) => batch.threads);
    return { url: pathToFileURL(path).href, ids: threads.map((thread) => thread.thread_id) };
}

/** Opens a page, and returns it with all that it asked for and complained about. */
async function open(browser, url, width, scheme) {
    const page = await browser.newPage();
    const seen = [];
    page.on("request", (request) => request.url() === url || seen.push(`asked for ${request.url()}`));
    page.on("console", (message) => seen.push(`said ${message.text()}`));
    page.on("pageerror", (error) => seen.push(`threw ${error}`));
    page.on("dialog", (dialog) => { seen.push(`opened a dialog: ${dialog.message()}`); void dialog.dismiss(); });
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.goto(url);
    return { page, seen };
}

async function check(browser, { url, ids }, width, scheme, media) {
    const { page, seen } = await open(browser, url, width, scheme);
    if (media === "print") await page.emulateMediaType("print");
    const found = await page.evaluate((ids) => {
        const all = [...document.querySelectorAll("*")];
        const inside = (element) => element.closest("[class=scroll]");
        return {
            ran: window.ran,
            scripts: document.querySelectorAll("script, iframe, object, embed, link, base, form, img").length,
            styles: document.querySelectorAll("style").length,
            metas: document.querySelectorAll("meta").length,
            handlers: all.flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith("on")),
            targets: [...document.querySelectorAll("a")].map((link) => link.getAttribute("href"))
                .filter((href) => !/^(#t-[\d.]+(-\d+)?|\.\/[\w\/.%-]+|https:\/\/[^\s"]+)$/.test(href)),
            width: document.documentElement.scrollWidth - innerWidth,
            unseen: ids.filter((id) => !document.getElementById(`t-${id}`)?.checkVisibility()),
            closed: [...document.querySelectorAll("details > .text")].filter((text) => !text.checkVisibility({ contentVisibilityAuto: true })).length,
            texts: document.querySelectorAll("details > .text").length,
            hidden: /[\u0000-\u0008\u202a-\u202e\u2066-\u2069]/.test(document.body.textContent),
            wide: all.filter((element) => !inside(element) && element.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(element).position !== "absolute" && !element.closest(".lane,.name")).map((element) => element.outerHTML.slice(0, 200)).slice(0, 3),
        };
    }, ids);
    assert.equal(found.ran, undefined, "a text ran");
    assert.deepEqual([found.scripts, found.styles, found.metas], [0, 1, 5], "a text is markup");
    assert.deepEqual([found.handlers, found.targets, found.unseen, found.wide], [[], [], [], []]);
    assert.equal(found.hidden, false, "a character is hidden");
    assert.ok(found.texts > 0);
    assert.equal(found.closed, media === "print" ? 0 : found.texts, "what is closed on a screen is open on paper, only there");
    if (media !== "print") {
        assert.ok(found.width <= 0, `${found.width} pixels too wide`);
        await page.evaluate(axe);
        const results = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
        const serious = results.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200), nodes[0].failureSummary]), []);
    } else {
        const pdf = Buffer.from(await page.pdf({ format: "A4" }));
        assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
    }
    assert.deepEqual(seen, []);
    // The policy would stop a script and a picture even if one got in.
    await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = 8";
        document.head.append(script);
        const image = document.createElement("img");
        image.src = "https://example.invalid/";
        document.body.append(image);
    });
    assert.equal(await page.evaluate(() => window.ran), undefined, "the policy lets a script run");
    for (const stopped of ["Executing inline script violates", "Loading the image 'https://example.invalid/' violates"]) {
        assert.ok(seen.some((line) => line.includes(stopped)), `${stopped}: ${seen.join("\n")}`);
    }
    await page.close();
}

async function picture(browser, url, scheme, name) {
    const { page } = await open(browser, url, 1280, scheme);
    await page.addStyleTag({ content: "body { font-family: Inter, sans-serif }" });
    const height = await page.evaluate(() => Math.ceil(document.querySelector("section.timeline").getBoundingClientRect().bottom) + 32);
    await page.screenshot({ path: join(pictures, name), clip: { x: 0, y: 0, width: 1280, height }, captureBeyondViewport: true });
    await page.close();
}

// The superuser has no sandbox for it.
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await puppeteer.launch({ executablePath: chromium, args });
try {
    cpSync(night, join(folder, "night"), { recursive: true });
    const told = pageOf(join(folder, "night"));
    if (pictures) {
        await picture(browser, told.url, "light", "report.png");
        await picture(browser, told.url, "dark", "report-dark.png");
        // By which tests/it/report.rs sees that the page has changed since. The footer has version and time.
        const [shown] = readFileSync(fileURLToPath(told.url), "utf8").split("<footer>");
        const hash = createHash("sha256").update(shown).digest("hex");
        writeFileSync(join(pictures, "report.sha256"), `${hash}\n`);
    } else {
        hostileWorkspace(join(folder, "hostile"));
        const hostile = pageOf(join(folder, "hostile"));
        assert.equal(hostile.ids.length, HOSTILE.length);
        for (const page of [told, hostile]) {
            for (const width of [1280, 360]) for (const scheme of ["light", "dark"]) await check(browser, page, width, scheme, "screen");
            await check(browser, page, 794, "dark", "print");
        }
        console.log(`${await browser.version()}: two pages, each at two widths, in two schemes and on paper`);
    }
} finally {
    await browser.close();
}
