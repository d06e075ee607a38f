import { holdsPassword } from './connection-pairs.ts';
import { holdsSecret, isPasswordName } from './connection-string.ts';
import type { JsonNode } from './json-node.ts';
import type { XmlNode } from './xml-node.ts';

const maxPlaces = 200;

/** What a text has to hold somewhere to hold a password; a hit is then judged where it stands. */
const suspicious = /PASSW|\bPWD\b|SECRET|TOKEN|ACCOUNTKEY|00022e|\{crypt\}/gi;

/** Places of passwords, told by names and URIs: the object that holds it, then the member. */
export function findSecrets(root: JsonNode | XmlNode): string[] {
  const hits = [...root.literal.matchAll(suspicious)].map(({ index }) => index + root.start);
  if (hits.length === 0) return [];
  const places = new Set<string>();
  const look = (node: JsonNode | XmlNode, inside: readonly number[]) => {
    const here = inside.filter(
      (hit) => hit >= Math.min(node.start, keyStartOf(node)) && hit < node.end,
    );
    if (here.length === 0 || places.size >= maxPlaces) return;
    if (node.children.length === 0) {
      if (isSecret(node)) places.add(placeOf(node));
      return;
    }
    for (const child of node.children) look(child, here);
  };
  look(root, hits);
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

function placeOf(node: JsonNode | XmlNode): string {
  const steps: string[] = [];
  for (let at: JsonNode | XmlNode | undefined = node; at; at = at.parent) {
    if (at.key !== '') steps.unshift(at.key);
    const uri = at.text('uRI');
    if (uri) {
      steps.unshift(uri);
      break;
    }
  }
  return steps.join('/');
}
