/** Names that speak of a secret, whoever set them: the Python side is given none. */
const secretNames = /PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|CREDENTIAL|PRIVATE_?KEY/i;

/**
 * The environment of the Python process: ours, for ArcGIS looks for its own variables there, without whatever
 * may be a secret.
 *
 * @param secrets names of variables that the configuration refers to as secrets
 */
export function toPythonEnvironment(
  env: NodeJS.ProcessEnv,
  secrets: readonly string[],
): NodeJS.ProcessEnv {
  const hidden = new Set(['PRESSROOM_REDIS_URL', 'PRESSROOM_CONFIG', ...secrets]);
  const kept = Object.entries(env).filter(
    ([name, value]) => !hidden.has(name) && !secretNames.test(name) && !hasLogin(value ?? ''),
  );
  return {
    ...Object.fromEntries(kept),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    PYTHONIOENCODING: 'utf-8:backslashreplace',
  };
}

/** A URL with user and password, such as that of a proxy. */
function hasLogin(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i.test(value);
}
