import type { JsonNode } from './json-node.ts';

/**
 * How a JSON text is laid out. ArcGIS Pro writes map and layer files with two blanks and `"key" : value`,
 * members of a project without any blank.
 */
export type JsonStyle = {
  newline: string;
  indent: string;
  colon: string;
  /** Some files write `<` and `>` as escapes. */
  escapesAngles: boolean;
};

/** Reads the layout off the first member of the text. */
export function readJsonStyle(text: string): JsonStyle {
  const head = /^\s*[{[](\s*)(?:"(?:[^"\\]|\\.){0,200}"(\s*:\s*))?/.exec(text.slice(0, 2_000));
  const [, lead = '', colon = ':'] = head ?? [];
  const newline = /\r?\n/.exec(lead)?.[0];
  const escapesAngles = /\\u003[ce]/i.test(text);
  if (newline === undefined) return { newline: '', indent: '', colon, escapesAngles };
  return { newline, indent: lead.slice(lead.lastIndexOf('\n') + 1), colon, escapesAngles };
}

/** A string as the text around it writes strings. */
export function encodeJson(value: string, style: JsonStyle): string {
  const literal = JSON.stringify(value);
  if (!style.escapesAngles) return literal;
  return literal.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e');
}

type Sink = { parts: string[]; depth: number };

/**
 * Writes a container whose members changed. What stands in a text of the same layout keeps its own letters;
 * what came from elsewhere is laid out like the rest, and its scalars keep theirs.
 */
export function writeStyled(node: JsonNode, style: JsonStyle, { parts, depth }: Sink): void {
  if (node.kind === 'scalar') {
    parts.push(node.literal);
    return;
  }
  const [open, close] = node.kind === 'object' ? ['{', '}'] : ['[', ']'];
  parts.push(open);
  for (const [index, child] of node.children.entries()) {
    parts.push(
      index > 0 ? ',' : '',
      style.newline,
      style.indent.repeat(style.newline ? depth + 1 : 0),
    );
    if (node.kind === 'object') parts.push(JSON.stringify(child.key), style.colon);
    if (child.source.style === style) child.writeTo(parts, depth + 1);
    else writeStyled(child, style, { parts, depth: depth + 1 });
  }
  if (node.children.length > 0)
    parts.push(style.newline, style.indent.repeat(style.newline ? depth : 0));
  parts.push(close);
}
