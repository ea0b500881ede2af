/** Words behind an `@` that may belong to one name: "@Code Reviewer". */
const longestNameWords = 4;
/** Names looked up per comment; a comment that mentions everybody wakes no more than this. */
const mostNames = 50;

/**
 * Names that a comment may mention, longest first per `@`; the caller looks up which of them are agents. An `@` inside a
 * word (an e-mail address) mentions nobody, and neither does one in code.
 */
export function mentionedNames(body: string): readonly string[] {
  const text = body.replace(/```[\s\S]*?```|`[^`\n]*`/g, ' ');
  const names = new Set<string>();
  for (const match of text.matchAll(
    /(?<![\p{L}\p{N}_@./-])@([\p{L}\p{N}_][\p{L}\p{N}_.-]*(?:[ \t][\p{L}\p{N}_][\p{L}\p{N}_.-]*)*)/gu,
  )) {
    const words = (match[1] ?? '').split(/[ \t]/).slice(0, longestNameWords);
    for (let count = words.length; count > 0; count -= 1) {
      const name = words.slice(0, count).join(' ');
      names.add(name);
      names.add(name.replace(/[.-]+$/, ''));
    }
  }
  return [...names].filter((name) => name !== '').slice(0, mostNames);
}
