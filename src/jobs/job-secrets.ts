import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import { SealBrokenError, type Sealing, type SealPurpose } from '../lib/sealing.ts';
import type { SecretMask } from '../lib/secret-mask.ts';
import { isPlainMember } from './plain-members.ts';

/** A secret that a job needs cannot be had: it has to be sent again, or the configuration mended. */
export class SecretMissingError extends GatewayError {
  override readonly name = 'SecretMissingError';
  readonly code = 'secret_missing';
}

/** Stands in the stored parameters where a secret was. No schema takes it for a value. */
const marker = { sealed: true } as const;
const Marker = z.strictObject({ sealed: z.literal(true) });

/** Sealed texts that lie beside a job's record until it has ended, by name. */
export type SealedSecrets = Record<string, string>;

const ofInputs = 'inputs';
const kept = (name: string) => `kept:${name}`;

function purposeOf(name: string, jobId: string): SealPurpose {
  return { purpose: `job-secret:${name}`, recordId: jobId };
}

type Params = Record<string, unknown>;

/** Takes the secrets out of parameters. `secretInputs` are paths such as `connection.password`. */
export function sealInputs(
  sealing: Sealing,
  jobId: string,
  params: Params,
  secretInputs: readonly string[],
): { params: Params; secrets?: SealedSecrets } {
  const found = secretInputs.flatMap((path): [string, unknown][] => {
    const value = readPath(params, path.split('.'));
    return value === undefined ? [] : [[path, value]];
  });
  if (found.length === 0) return { params };
  const marked = found.reduce<Params>(
    (left, [path]) => writePath(left, path.split('.'), marker),
    params,
  );
  const text = JSON.stringify(Object.fromEntries(found));
  return {
    params: marked,
    secrets: { [ofInputs]: sealing.seal(text, purposeOf(ofInputs, jobId)) },
  };
}

/** Inputs that were secret and are gone with the end of their job, by path. */
export function missingInputs(params: Params, secretInputs: readonly string[]): string[] {
  return secretInputs.filter((path) => Marker.safeParse(readPath(params, path.split('.'))).success);
}

function readPath(value: unknown, [first, ...rest]: string[]): unknown {
  if (first === undefined) return value;
  if (value === null || typeof value !== 'object') return undefined;
  return readPath((value as Params)[first], rest);
}

function writePath(params: Params, [first = '', ...rest]: string[], value: unknown): Params {
  const inner = rest.length === 0 ? value : writePath(params[first] as Params, rest, value);
  return { ...params, [first]: inner };
}

export type JobSecretsDeps = {
  sealing: Sealing;
  /** Reads a secret of the configuration. @throws ConfigError */
  readSecret: (name: string) => Promise<string>;
};

/** The secrets of one job while an attempt runs. Whatever it hands out is masked in all the attempt writes. */
export class JobSecrets {
  readonly #deps: JobSecretsDeps;
  readonly #jobId: string;
  readonly #mask: SecretMask;
  readonly #write: (secrets: SealedSecrets) => Promise<void>;
  #sealed: SealedSecrets;

  constructor(
    deps: JobSecretsDeps,
    job: { jobId: string; secrets?: SealedSecrets | undefined },
    options: { mask: SecretMask; write: (secrets: SealedSecrets) => Promise<void> },
  ) {
    this.#deps = deps;
    this.#jobId = job.jobId;
    this.#sealed = job.secrets ?? {};
    this.#mask = options.mask;
    this.#write = options.write;
  }

  /**
   * The parameters with their secrets in place.
   *
   * @throws SecretMissingError when the key that sealed them is not among ours
   */
  unsealInputs(params: unknown): unknown {
    const sealed = this.#sealed[ofInputs];
    if (sealed === undefined) return params;
    const values = JSON.parse(this.#unseal(ofInputs, sealed)) as Params;
    return Object.entries(values).reduce<Params>((whole, [path, value]) => {
      this.#hideAll(value);
      return writePath(whole, path.split('.'), value);
    }, params as Params);
  }

  /** Keeps a text sealed until the job has ended, also for later attempts. */
  async keep(name: string, text: string): Promise<void> {
    const sealed = this.#deps.sealing.seal(text, purposeOf(kept(name), this.#jobId));
    this.#sealed = { ...this.#sealed, [kept(name)]: sealed };
    await this.#write(this.#sealed);
  }

  /** What was kept under a name. @throws SecretMissingError */
  get(name: string): string {
    const sealed = this.#sealed[kept(name)];
    if (sealed === undefined)
      throw new SecretMissingError(`The secret ${name} is not kept any more.`);
    return this.#unseal(kept(name), sealed);
  }

  /** A secret of the configuration, by its name there. @throws SecretMissingError */
  async read(name: string): Promise<string> {
    try {
      const value = await this.#deps.readSecret(name);
      this.hide(value);
      return value;
    } catch (error) {
      throw new SecretMissingError(
        `The secret ${name} of the configuration cannot be read: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /** From now on the text is masked; of a connection, only what is secret in it. */
  hide(text: string): void {
    if (connectionPair.test(text)) {
      for (const [, value = ''] of text.matchAll(passwordValues)) this.#mask.add(value.trim());
      return;
    }
    const json = toJson(text);
    if (json === undefined) this.#mask.add(text);
    else this.#hideMembers(json);
  }

  #hideMembers(value: unknown): void {
    if (value === null || typeof value !== 'object') return;
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner !== 'string') this.#hideMembers(inner);
      else if (secretName.test(key)) this.hide(inner);
      else if (!isPlainMember(key) && mayBeSecret(inner)) this.#mask.add(inner);
    }
  }

  #hideAll(value: unknown): void {
    if (typeof value === 'string') this.hide(value);
    else this.#hideMembers(value);
  }

  #unseal(name: string, sealed: string): string {
    try {
      return this.#deps.sealing.unseal(sealed, purposeOf(name, this.#jobId));
    } catch (error) {
      if (!(error instanceof SealBrokenError)) throw error;
      throw new SecretMissingError(`${error.message}: send the request again.`, { cause: error });
    }
  }
}

const connectionPair =
  /(?:^|;)\s*(?:SERVER|INSTANCE|DATABASE|DBCLIENT|DB_CONNECTION_PROPERTIES)\s*=[^;]*(?:;|$)/i;
const passwordValues = /(?:^|;)\s*[A-Z_0-9]*PASSWORD[A-Z_0-9]*\s*=\s*([^;]+)/gi;
/** Members of connections that hold secrets. Esri, "Data Item". */
const secretName = /password|secret|token|^accountKey$|connectionString/i;

/** Of a member that is not known: no word, and no plain address. */
function mayBeSecret(text: string): boolean {
  return /[^A-Za-z]/.test(text) && !/^https?:\/\/[^?@]*$/.test(text);
}

function toJson(text: string): object | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined; // a password may begin with a brace
  }
}
