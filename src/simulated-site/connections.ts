import { randomBytes } from 'node:crypto';

/** A login of a database that stands behind the simulated site. */
export type DatabaseLogin = { host: string; database?: string; user: string };

/** Begins every password that ArcGIS encrypted; here what follows is invented. */
const encryptedMark = '00022e68';

/**
 * Passwords as the site keeps them, and those that its databases take. A login that nobody told of takes
 * every password: there is no database behind it.
 */
export class Connections {
  #plain = new Map<string, string>();
  #logins: (DatabaseLogin & { password: string })[] = [];

  /** From now on the database takes this password for the login, and no other. */
  setPassword(login: DatabaseLogin, password: string): void {
    this.#logins = this.#logins.filter((one) => !isSameLogin(one, login));
    this.#logins.push({ ...login, password });
  }

  clear(): void {
    this.#plain.clear();
    this.#logins = [];
  }

  /** A plain password is stored encrypted. */
  encrypt(connectionString: string): string {
    return connectionString.replace(
      /(^|;)\s*PASSWORD\s*=([^;]*)/i,
      (_, before: string, password: string) =>
        `${before}ENCRYPTED_PASSWORD=${this.#hide(password)}`,
    );
  }

  /** What an administrator is shown who asks for it; a password that came encrypted stays so. */
  decrypt(connectionString: string): string {
    return connectionString.replace(
      /(^|;)ENCRYPTED_PASSWORD=([^;]*)/i,
      (whole, before: string, hex: string) => {
        const plain = this.#plain.get(hex);
        return plain === undefined ? whole : `${before}PASSWORD=${plain}`;
      },
    );
  }

  /** An encrypted password of a connection file: what it says nobody knows but ArcGIS. */
  opaque(): string {
    return `${encryptedMark}${randomBytes(16).toString('hex')}`;
  }

  /** What stands in the way of connecting, if anything does. The words are not those of ArcGIS. */
  faultOf(connectionString: string): string | undefined {
    const pairs = readPairs(connectionString);
    const { INSTANCE, SERVER, DBCLIENT, DATABASE, USER, AUTHENTICATION_MODE = 'DBMS' } = pairs;
    if (!INSTANCE && !SERVER) return 'names neither an instance nor a server';
    if (INSTANCE && !/^(sde:[a-z0-9]+[:$].+|\d+|esri_sde)$/i.test(INSTANCE)) {
      return `has an instance that cannot be understood: ${INSTANCE}`;
    }
    const isOracle = /oracle/i.test(`${DBCLIENT} ${INSTANCE}`);
    if (!isOracle && !DATABASE) return 'names no database';
    if (/^OSA$/i.test(AUTHENTICATION_MODE)) return undefined;
    if (!/^DBMS$/i.test(AUTHENTICATION_MODE)) return `cannot log in as ${AUTHENTICATION_MODE}`;
    return USER ? this.#faultOfPassword(pairs) : 'names no user';
  }

  #faultOfPassword(pairs: Record<string, string>): string | undefined {
    const encrypted = pairs.ENCRYPTED_PASSWORD_UTF8 ?? pairs.ENCRYPTED_PASSWORD;
    if (!pairs.PASSWORD && !encrypted) return 'holds no password';
    if (encrypted && !/^00022e[0-9a-f]+$/i.test(encrypted)) {
      return 'holds an encrypted password that is none of ArcGIS';
    }
    const plain = pairs.PASSWORD ?? this.#plain.get(encrypted ?? '');
    const login = toLogin(pairs);
    const known = this.#logins.find((one) => isSameLogin(one, login));
    if (!known || plain === undefined || plain === known.password) return undefined;
    return `was refused by the database: invalid password for ${login.user}`;
  }

  #hide(password: string): string {
    const hex = this.opaque();
    this.#plain.set(hex, password);
    return hex;
  }
}

function toLogin(pairs: Record<string, string>): DatabaseLogin {
  const host = pairs.SERVER ?? pairs.INSTANCE?.split(/[:$,\\/]/).at(2) ?? '';
  return {
    host,
    user: pairs.USER ?? '',
    ...(pairs.DATABASE !== undefined && { database: pairs.DATABASE }),
  };
}

function isSameLogin(one: DatabaseLogin, other: DatabaseLogin): boolean {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const isDatabase =
    one.database === undefined ||
    other.database === undefined ||
    same(one.database, other.database);
  return same(one.host, other.host) && same(one.user, other.user) && isDatabase;
}

/** `KEY=value;` in any order, keys without case. */
export function readPairs(text: string): Record<string, string> {
  const pairs = text.split(';').map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at).trim().toUpperCase(), pair.slice(at + 1).trim()] as const;
  });
  return Object.fromEntries(pairs.filter(([key, value]) => key && value));
}
