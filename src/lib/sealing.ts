import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './errors.ts';
import type { Log } from './log.ts';
import type { SealingConfig } from './sealing-config.ts';
import type { ResolveSecret } from './secret-reference.ts';

/** What a sealed text belongs to. A sealed text that was moved elsewhere does not open there. */
export type SealPurpose = { purpose: string; recordId: string };

/** The text was not sealed for this purpose, was changed, or its key is not among ours. */
export class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError';
}

type SealingKey = { id: string; key: Buffer };

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const fileKeyId = 'storage-file';
const keyFileName = 'sealing.key';

/**
 * Seals secrets that have to lie in Redis. Each text has a random key of its own, sealed with the first
 * of our keys: `enc:v1:<key id>:<sealed key>:<iv>:<tag>:<ciphertext>`.
 */
export class Sealing {
  readonly #keys: SealingKey[];

  /** @param keys the current one first; 32 bytes each */
  constructor(keys: SealingKey[]) {
    this.#keys = keys;
  }

  seal(text: string, purpose: SealPurpose): string {
    const { id, key } = this.#current();
    const ownKey = randomBytes(keyBytes);
    const bound = toBound(purpose, id);
    const sealedKey = encrypt(ownKey, key, bound);
    const { iv, tag, ciphertext } = encrypt(Buffer.from(text), ownKey, bound);
    const parts = [
      Buffer.concat([sealedKey.iv, sealedKey.tag, sealedKey.ciphertext]),
      iv,
      tag,
      ciphertext,
    ];
    return ['enc', 'v1', id, ...parts.map((part) => part.toString('base64url'))].join(':');
  }

  /** @throws SealBrokenError naming the id of a key that is missing */
  unseal(sealed: string, purpose: SealPurpose): string {
    const [kind, version, id = '', ...encoded] = sealed.split(':');
    if (kind !== 'enc' || version !== 'v1' || encoded.length !== 4) {
      throw new SealBrokenError('This is no sealed text');
    }
    const key = this.#keys.find((each) => each.id === id)?.key;
    if (!key) throw new SealBrokenError(`The sealing key ${id} is not configured`);
    const [sealedKey = none, iv = none, tag = none, ciphertext = none] = encoded.map((part) =>
      Buffer.from(part, 'base64url'),
    );
    const bound = toBound(purpose, id);
    try {
      const ownKey = decrypt(key, bound, {
        iv: sealedKey.subarray(0, ivBytes),
        tag: sealedKey.subarray(ivBytes, ivBytes + tagBytes),
        ciphertext: sealedKey.subarray(ivBytes + tagBytes),
      });
      return decrypt(ownKey, bound, { iv, tag, ciphertext }).toString();
    } catch (error) {
      throw new SealBrokenError('The sealed text was changed, or sealed for something else', {
        cause: error,
      });
    }
  }

  /** 32 bytes that follow from a key and a purpose and need not be kept: one for each key, the current first. */
  derive({ purpose, recordId }: SealPurpose): Buffer[] {
    const about = JSON.stringify([purpose, recordId]);
    return this.#keys.map(({ key }) => Buffer.from(hkdfSync('sha256', key, '', about, keyBytes)));
  }

  #current(): SealingKey {
    const [current] = this.#keys;
    if (!current) throw new Error('There is no sealing key');
    return current;
  }
}

const none = Buffer.alloc(0);

/**
 * The configured keys, and the key file of the storage folder where there is one; without configured
 * keys it is made. http and workers share the folder, so they find the same one.
 *
 * @throws ConfigError when a key is not 32 bytes
 */
export async function openSealing({
  config,
  storageFolder,
  resolveSecret,
  log,
}: {
  config: SealingConfig;
  storageFolder: string;
  resolveSecret: ResolveSecret;
  log: Log;
}): Promise<Sealing> {
  const configured = await Promise.all(
    config.keys.map(async ({ id, key }) => ({
      id,
      key: parseKey(await resolveSecret(key), `sealing.keys ${id}`),
    })),
  );
  const file = join(storageFolder, keyFileName);
  if (configured.length === 0) {
    await makeKeyFile(storageFolder, file);
    log.info({ file }, 'No sealing keys are configured; the key file of the storage folder serves');
  }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && configured.length > 0) return undefined;
    throw new ConfigError(`The key file ${file} cannot be read`, { cause: error });
  });
  const fromFile = text === undefined ? [] : [{ id: fileKeyId, key: parseKey(text.trim(), file) }];
  return new Sealing([...configured, ...fromFile]);
}

/** Appears whole or not at all: whoever comes second finds the first one's. */
async function makeKeyFile(folder: string, file: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const fresh = `${file}.${randomBytes(8).toString('hex')}.part`;
  await writeFile(fresh, `${randomBytes(keyBytes).toString('base64')}\n`, {
    flag: 'wx',
    mode: 0o600,
    flush: true,
  });
  try {
    await link(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new ConfigError(`The key file ${file} cannot be made; configure sealing.keys`, {
        cause: error,
      });
    }
  } finally {
    await rm(fresh, { force: true });
  }
}

function parseKey(text: string, where: string): Buffer {
  const isHex = /^[0-9a-f]{64}$/i.test(text);
  const key = Buffer.from(text, isHex ? 'hex' : 'base64');
  if (key.length !== keyBytes) {
    throw new ConfigError(`${where}: a sealing key is 32 bytes, as base64 or hex`);
  }
  return key;
}

function toBound({ purpose, recordId }: SealPurpose, keyId: string): Buffer {
  return Buffer.from(JSON.stringify([purpose, recordId, keyId]));
}

type Encrypted = { iv: Buffer; tag: Buffer; ciphertext: Buffer };

function encrypt(plain: Buffer, key: Buffer, bound: Buffer): Encrypted {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(bound);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { iv, tag: cipher.getAuthTag(), ciphertext };
}

function decrypt(key: Buffer, bound: Buffer, { iv, tag, ciphertext }: Encrypted): Buffer {
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes });
  decipher.setAAD(bound).setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}
