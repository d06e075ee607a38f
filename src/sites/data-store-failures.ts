import type { ErrorCode } from '../lib/errors.ts';
import type { FailureEvidence, Told } from './failure-evidence.ts';
import { sentences } from './failure-words.ts';

/** What was seen around a failure of a job that registers or keeps data. */
export type DataStoreEvidence = FailureEvidence & {
  dataStore: {
    path: string;
    type?: string;
    /** Database or folder in words, without secrets. */
    place?: string;
    connectionStringIsText?: boolean;
    differsIn?: string[];
    services?: string[];
    /** Other items of the same login. */
    items?: string[];
    lastValidAt?: string;
    machines?: { machine: string; isValid: boolean; message?: string }[];
  };
};

type Row = {
  row: number;
  matches: (it: DataStoreEvidence) => boolean;
  explain: (it: DataStoreEvidence) => Told;
};

/** What Pressroom refuses by itself: it knows the cause, for it is its own. */
const ownRefusals: Partial<Record<ErrorCode, (it: DataStoreEvidence) => string>> = {
  not_found: ({ site }) =>
    `See what ${site} has registered: GET /v1/sites/${site}/data-store-items. Then send the right path or login.`,
  validation_error: () => 'Send only what belongs to an item of this type.',
  secret_missing: () =>
    'Send the whole connection with its secret, or mend the secret of the configuration; or let the account of the site be an administrator over https.',
  unreadable_document: () =>
    'Send a database connection file (.sde) as ArcGIS writes it, or the connection in parts.',
  verification_failed: () =>
    'Look at the item in ArcGIS Server Manager and at the log of the site; the site did not do what it said.',
  not_restorable: () =>
    'Let the account of the site be an administrator over https, so that it is shown what it may have to put back.',
  conflict: () => 'Look at the item as it is now; then send the request again.',
};

const isInvalid = (it: DataStoreEvidence) => it.error?.code === 'data_store_invalid';

/** First match wins; nothing is matched by the site's words, which differ by release and language. */
const rows: readonly Row[] = [
  {
    row: 32,
    matches: (it) => it.error?.code === 'data_store_exists',
    explain: ({ site, dataStore: { path, differsIn = [] } }) => ({
      cause: sentences(
        `${path} is registered on ${site} already${differsIn.length > 0 ? `, with other content: ${differsIn.join(', ')}` : ''}.`,
        'Registering over a path that is taken changes nothing.',
      ),
      certainty: 'documented',
      again: 'never',
      nextStep: 'Send ifExists=update to change the item, or register under another name.',
    }),
  },
  {
    row: 33,
    matches: (it) => it.error?.code === 'data_store_in_use',
    explain: ({ site, dataStore: { path, services = [] } }) => ({
      cause: `Read from ${path} on ${site}: ${services.join(', ') || 'services that have no manifest'}. Without the item they stop working at their next start.`,
      certainty: 'documented',
      again: 'never',
      nextStep:
        'Delete or move those services first, or send force=true and accept that they break.',
    }),
  },
  {
    row: 30,
    matches: (it) => isInvalid(it) && isSplit(it),
    explain: ({ dataStore: { machines = [] } }) => {
      const names = (isValid: boolean) =>
        machines
          .filter((each) => each.isValid === isValid)
          .map(({ machine }) => machine)
          .join(', ');
      return {
        cause: `The site had nothing to say against ${names(true)}, but it fails on ${names(false)}: a mount, a database client or a right is missing there.`,
        certainty: 'most often',
        again: 'never',
        nextStep: 'Compare the machines; until they are alike the site would answer at random.',
      };
    },
  },
  {
    row: 28,
    matches: (it) => isInvalid(it) && it.dataStore.type === 'folder',
    explain: ({ site, dataStore }) => ({
      cause: `${failing(dataStore, site)} cannot read ${dataStore.place ?? dataStore.path} as the account that runs ArcGIS Server. Your own access does not matter.`,
      certainty: 'most often',
      again: 'never',
      nextStep:
        'Give that account read rights on the share and on the folder; check the spelling, and that every machine sees the path. Then retry.',
      alternatives: [
        "a drive letter exists on the publisher's machine only: use the UNC path",
        'a site on Linux does not have the share mounted: use the path of the mount',
      ],
    }),
  },
  {
    row: 29,
    matches: (it) => isInvalid(it) && it.dataStore.type === 'egdb',
    explain: ({ site, dataStore }) => ({
      cause: sentences(
        `${failing(dataStore, site)} cannot connect to ${dataStore.place ?? dataStore.path}.`,
        dataStore.lastValidAt ? `It was valid the last time at ${dataStore.lastValidAt}.` : '',
        usedBy(dataStore),
      ),
      certainty: 'most often',
      again: 'never',
      nextStep:
        "Read the site's own words: check the password first, then port and firewall from each machine, and that the database client of this version is installed on all of them.",
      alternatives: [
        'with the login of the operating system the account that runs ArcGIS Server needs the rights',
        'the version of the geodatabase does not exist, or belongs to another user',
        'the database takes no more connections',
      ],
    }),
  },
  {
    row: 0,
    matches: (it) => it.error !== undefined && ownRefusals[it.error.code] !== undefined,
    explain: (it) => ({
      cause: it.error?.message ?? '',
      certainty: 'documented',
      again: 'never',
      nextStep: (it.error && ownRefusals[it.error.code]?.(it)) ?? '',
    }),
  },
  {
    row: 31,
    matches: isInvalid,
    explain: ({ site, dataStore }) => ({
      cause: `${failing(dataStore, site)} cannot use the store with this connection: most often a key, an endpoint or the name of the bucket or container is wrong, or the store cannot be reached from the site.`,
      certainty: 'most often',
      again: 'never',
      nextStep:
        'Check bucket, region and keys with a client of the provider on a machine of the site. Then retry.',
    }),
  },
];

function isSplit({ dataStore: { machines = [] } }: DataStoreEvidence): boolean {
  return machines.some(({ isValid }) => isValid) && machines.some(({ isValid }) => !isValid);
}

function failing({ machines = [] }: DataStoreEvidence['dataStore'], site: string): string {
  const names = machines.filter(({ isValid }) => !isValid).map(({ machine }) => machine);
  return names.length > 0 ? names.join(', ') : site;
}

function usedBy({ services = [], items = [] }: DataStoreEvidence['dataStore']): string {
  const users = [
    services.length > 0 && `the services ${services.join(', ')}`,
    items.length > 0 && `the items ${items.join(', ')}`,
  ].filter(Boolean);
  return users.length > 0 ? `The same connection is used by ${users.join(' and ')}.` : '';
}

/** The row that tells of data; undefined where the failure is not about data. */
export function explainDataStoreFailure(
  evidence: DataStoreEvidence,
): (Told & { row: number }) | undefined {
  const found = rows.find(({ matches }) => matches(evidence));
  return found && { row: found.row, ...found.explain(evidence) };
}
