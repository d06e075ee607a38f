import { holdsPassword } from './connection-pairs.ts';
import { holdsSecret, isPasswordName } from './connection-string.ts';
import type { JsonNode } from './json-node.ts';
import { firstFrom } from './sorted-places.ts';
import type { XmlNode } from './xml-node.ts';

const maxPlaces = 200;

/** What a text has to hold somewhere to hold a password; a hit is then judged where it stands. */
const suspicious = /PASSW|\bPWD\b|SECRET|TOKEN|ACCOUNTKEY|00022e|\{crypt\}/gi;

/** Places of passwords, told by names and URIs: the object that holds it, then the member. */
export function findSecrets(root: JsonNode | XmlNode): string[] {
  const hits = [...root.literal.matchAll(suspicious)].map(({ index }) => index + root.start);
  if (hits.length === 0) return [];
  const places = new Set<string>();
  const known = new Map<JsonNode | XmlNode, readonly string[]>();
  // A text may have as many hits as letters, so each node looks at its own share of them only.
  const look = (node: JsonNode | XmlNode, share: { from: number; until: number }) => {
    const from = firstFrom(hits, Math.min(node.start, keyStartOf(node)), share);
    const until = firstFrom(hits, node.end, { from, until: share.until });
    if (from === until) return;
    if (node.children.length === 0 && isSecret(node)) places.add(stepsTo(node, known).join('/'));
    for (const child of node.children) {
      if (places.size >= maxPlaces) return;
      look(child, { from, until });
    }
  };
  look(root, { from: 0, until: hits.length });
  return [...places];
}

function keyStartOf(node: JsonNode | XmlNode): number {
  return 'keyStart' in node && node.keyStart >= 0 ? node.keyStart : node.start;
}

function isSecret(node: JsonNode | XmlNode): boolean {
  if (node.key !== '' && isPasswordName(node.key)) {
    return node.text().trim() !== '' && !/^(?:true|false)$/i.test(node.literal);
  }
  const text = node.text();
  return holdsPassword(text) || holdsSecret(text);
}

/** Once for each node that holds others: thousands may stand below the same one. */
function stepsTo(
  node: JsonNode | XmlNode,
  known: Map<JsonNode | XmlNode, readonly string[]>,
): readonly string[] {
  const found = known.get(node);
  if (found) return found;
  const uri = node.text('uRI');
  const above = uri ? [uri] : node.parent ? stepsTo(node.parent, known) : [];
  const steps = node.key === '' ? above : [...above, node.key];
  if (node.children.length > 0) known.set(node, steps);
  return steps;
}
