const mask = '***';

/**
 * `key=value` pairs whose value must not be seen: in query strings, form bodies and geodatabase
 * connection strings. A value ends at `;`, `&`, a quote or white space.
 */
const secretPairs =
  /\b([A-Z_]*(?:PASSWORD|PASSWD|TOKEN|SECRET|ACCOUNTKEY|SECRETACCESSKEY|SASTOKEN)[A-Z0-9_]*)(\s*=\s*)(?!\s*$)([^;&\s"'<>]+)/gi;
const secretMembers =
  /("(?:[^"\\]*)(?:password|token|secret|accountKey|secretAccessKey|sasToken|portalSecretKey)(?:[^"\\]*)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi;
/** The same names with a quoted value: `PASSWORD="a b"`, and JSON that stands as text inside JSON. */
const quotedPairs =
  /\b([A-Z_]*(?:PASSWORD|PASSWD|TOKEN|SECRET|ACCOUNTKEY|SECRETACCESSKEY|SASTOKEN)[A-Z0-9_]*\\*["']?\s*[=:]\s*)(\\*["'])(.*?)\2/gis;
/** In a sentence: `password is "abc"`, `password for gis: abc`. A word that explains is no password. */
const spokenPasswords =
  /\b(pass(?:word|wd|phrase)\s+(?:is|was|for\s+[^\s:]+:|of\s+[^\s:]+:)\s*)(\\*["'])(.*?)\2/gis;
const bearerTokens = /\b(Bearer\s+)[\w.~+/=-]+/gi;
/** ArcGIS's own encrypted passwords: hex that begins `00022e`; it is reversible, so it is a password. */
const arcgisEncrypted = /\b00022e[0-9a-f]{8,}\b/gi;
const cryptValues = /\{crypt\}[^\s"';,<>]+/gi;
const urlUserInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s:@]*:[^/\s@]+@/gi;

/** What each of the patterns above needs: most texts have none of it and are not looked at seven times. */
const suspicious = /PASSW|TOKEN|SECRET|ACCOUNTKEY|BEARER|00022e|\{crypt\}|:\/\//i;

/** Text from elsewhere (a site's message, an error) with everything masked that looks like a secret. */
export function redactSecrets(text: string): string {
  if (!suspicious.test(text)) return text;
  return text
    .replace(secretMembers, `$1"${mask}"`)
    .replace(quotedPairs, `$1$2${mask}$2`)
    .replace(spokenPasswords, `$1$2${mask}$2`)
    .replace(secretPairs, `$1$2${mask}`)
    .replace(bearerTokens, `$1${mask}`)
    .replace(arcgisEncrypted, mask)
    .replace(cryptValues, mask)
    .replace(urlUserInfo, `$1${mask}@`);
}

/** The same for any JSON value: every string in it is masked, and every member whose name is a secret's. */
export function redactDeep(value: unknown): unknown {
  if (typeof value === 'string') return redactSecrets(value);
  if (Array.isArray(value)) return value.map(redactDeep);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      /password|secret|^token$/i.test(key) && typeof inner === 'string' ? mask : redactDeep(inner),
    ]),
  );
}
