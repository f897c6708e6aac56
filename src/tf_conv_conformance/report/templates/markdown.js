// A call as Markdown, for a report to the maintainers. What comes from records is code: nothing in it is markup, HTML, a link or a mention.
const MOST_INLINE = 300, MOST_FENCED = 20000; // characters

function cut(text, most) {
  if (text.length <= most) return text;
  return `${text.slice(0, most)}… (${(text.length - most).toLocaleString("en")} more characters)`;
}

// Characters that are not seen, or that turn text around, as escapes.
const seen = (text) => text.replaceAll("\r\n", "\n").replace(/[^\P{C}\n\t]/gu, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);
const ticks = (text, least) => "`".repeat(Math.max(least, 1 + Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))));

function inline(value) {
  const text = seen(cut(String(value).split(/\s+/).join(" ").trim(), MOST_INLINE)) || "none";
  const fence = ticks(text, 1), room = text.startsWith("`") || text.endsWith("`") ? " " : "";
  return `${fence}${room}${text}${room}${fence}`;
}

function fenced(text, language) {
  const lines = seen(cut(text.trimEnd(), MOST_FENCED)), fence = ticks(lines, 3);
  return `${fence}${language}\n${lines}\n${fence}`;
}

function markdown(call, number) {
  const own = call.case, rules = value("against", number);
  const said = rules.map((rule) => [rule, quoted(rule)]).filter(([, sentence]) => sentence);
  const item = ([name, text]) => `- ${name}: ${inline(text)}`;
  const rows = [
    ["Documented", documentedBy(call, number)],
    ["Observed", outcomeOf(call.observed)],
    ["Difference", call.difference],
    ["Follows", call.explained && `the model ${call.explained}`],
    ["Instead", call.instead],
  ].filter(([, text]) => text);
  return [
    `### ${inline(call.via)} in mode ${inline(value("mode", number))} ${call.by_expect ? "is not as documented" : index.headings[value("verdict", number)]}`,
    rows.map(item).join("\n"),
    said.length && `The documentation:\n\n${said.map(([rule, sentence]) => `- ${inline(rule)}: ${inline(sentence)}`).join("\n")}`,
    call.python && `Standalone code to reproduce the issue:\n\n${fenced(call.python, "python")}`,
    call.observed?.output && `The last output:\n\n${fenced(call.observed.output, "text")}`,
    `System information:\n\n${index.subjects[calls.version[number]].map(item).join("\n") || "unknown: TensorFlow did not start"}`,
    `Found by tf-conv-conformance ${inline(index.suite)} as ${inline(fullName(number))}:`,
    fenced(own.yaml, "yaml"),
  ].filter(Boolean).join("\n\n") + "\n";
}
