import { randomBytes } from 'node:crypto';
import type { Call, Operation } from './operation.ts';
import { toCurrentVersion } from './settings.ts';
import { notFound, SiteRefusal } from './site-refusal.ts';
import { machineName, type SiteState } from './site-state.ts';
import { defaultUploadExtensions } from './uploads.ts';

/** What the site says of itself: discovery, machines, directories, mode, properties, logs. */
export function siteOperations(site: SiteState): Operation[] {
  const open = (name: string, paths: string[], handle: (call: Call) => unknown): Operation => ({
    name,
    paths,
    face: 'rest',
    access: 'nobody-known',
    handle,
  });
  const read = (name: string, paths: string[], handle: (call: Call) => unknown): Operation => ({
    name,
    paths,
    face: 'admin',
    access: 'PUBLISH',
    handle,
  });
  const administer = { access: 'ADMINISTER', methods: 'POST' } as const;
  // What the documentation does not name among the rights of a publisher is refused to one: not verified.
  const readAsAdministrator = (...operation: Parameters<typeof read>): Operation => ({
    ...read(...operation),
    access: 'ADMINISTER',
  });
  return [
    open('rest-info', ['/rest/info'], (call) => restInfo(site, call)),
    open('health', ['/rest/info/healthcheck', '/rest/info/healthCheck'], () => ({ success: true })),
    read('admin-root', ['/admin'], () => ({
      resources: [
        'machines',
        'clusters',
        'services',
        'security',
        'system',
        'data',
        'uploads',
        'logs',
        'mode',
        'info',
      ],
      currentVersion: toCurrentVersion(site.settings.version),
      fullVersion: site.settings.version,
      acceptLanguage: null,
    })),
    read('admin-info', ['/admin/info'], ({ token }) => ({
      currentversion: toCurrentVersion(site.settings.version),
      fullVersion: site.settings.version,
      currentbuild: '00000',
      timezone: 'UTC',
      loggedInUser: token?.username,
      loggedInUserPrivilege: token?.privilege,
    })),
    read('admin-local', ['/admin/local'], () => ({ machineName })),
    {
      ...read('public-key', ['/admin/publicKey'], () => ({
        publicKey: '10001',
        modulus: randomBytes(64).toString('hex'),
      })),
      access: 'nobody-known',
    },
    readAsAdministrator('machines', ['/admin/machines'], () => ({
      machines: site.settings.machines.map((name) => machine(site, name)),
    })),
    readAsAdministrator('machine', ['/admin/machines/:machine'], (call) => {
      const asked = call.names.machine ?? '';
      const name = site.settings.machines.find((one) => one === asked.toUpperCase());
      if (!name) throw notFound(asked);
      return {
        ...machine(site, name),
        platform: 'Linux-amd64',
        configuredState: 'STARTED',
        socMaxHeapSize: 64,
        webServerCertificateAlias: 'selfsignedcertificate',
      };
    }),
    readAsAdministrator('machine-status', ['/admin/machines/:machine/status'], () => ({
      configuredState: 'STARTED',
      realTimeState: 'STARTED',
    })),
    readAsAdministrator('directories', ['/admin/system/directories'], () => ({ directories })),
    readAsAdministrator('directory', ['/admin/system/directories/:name'], ({ names }) => {
      const found = directories.find(({ name }) => name === names.name);
      if (!found) throw notFound(names.name ?? '');
      return found;
    }),
    readAsAdministrator('mode', ['/admin/mode'], () => ({
      siteMode: site.mode,
      copyConfigLocal: false,
      lastModified: site.modeChangedAt,
    })),
    {
      ...read('update-mode', ['/admin/mode/update'], ({ params }) => updateMode(site, params)),
      ...administer,
    },
    readAsAdministrator('server-properties', ['/admin/system/properties'], () =>
      shownProperties(site),
    ),
    {
      ...read('update-server-properties', ['/admin/system/properties/update'], ({ params }) => {
        site.properties = readJsonObject(params.properties, 'properties');
        return { status: 'success' };
      }),
      ...administer,
      changes: true,
    },
    readAsAdministrator('licenses', ['/admin/system/licenses'], () => ({
      edition: {},
      features: [],
    })),
    {
      ...readAsAdministrator(
        'clear-rest-cache',
        ['/admin/system/handlers/rest/cache/clear'],
        () => ({
          status: 'success',
        }),
      ),
      methods: 'POST',
    },
    read('upgrade', ['/admin/upgrade'], () => ({ upgradeStatus: 'UPGRADE_NOT_REQUIRED' })),
    readAsAdministrator('security-config', ['/admin/security/config'], (call) =>
      securityConfig(site, call),
    ),
    {
      ...read('roles', ['/admin/security/roles/getRoles'], (call) => listRoles(site, call)),
      methods: 'POST',
    },
    read('query-logs', ['/admin/logs/query'], ({ params }) => queryLogs(site, params)),
    readAsAdministrator('log-settings', ['/admin/logs/settings'], () => ({
      settings: {
        logDir: '/srv/arcgis/logs',
        logLevel: 'WARNING',
        maxErrorReportsCount: 10,
        maxLogFileAge: 90,
      },
    })),
  ];
}

/**
 * `owningSystemUrl` stands there only when the site is federated.
 *
 * @see Esri, "Server Info"
 */
function restInfo({ settings }: SiteState, { origin }: Call): object {
  const root = `${origin}/${settings.context}`;
  return {
    currentVersion: toCurrentVersion(settings.version),
    fullVersion: settings.version,
    soapUrl: `${root}/services`,
    secureSoapUrl: null,
    ...(settings.federated && { owningSystemUrl: `${origin}/portal` }),
    authInfo: {
      isTokenBasedSecurity: true,
      tokenServicesUrl: settings.federated
        ? `${origin}/portal/sharing/rest/generateToken`
        : `${root}/tokens/`,
      shortLivedTokenValidity: settings.tokenMinutes,
    },
  };
}

function machine({ settings }: SiteState, name: string): object {
  return {
    machineName: name,
    // Internal, and not to be followed from outside.
    adminURL: `https://${name}:6443/${settings.context}/admin`,
    synchronize: true,
  };
}

const directories = (
  [
    ['arcgisjobs', 'JOBS', 360],
    ['arcgisoutput', 'OUTPUT', 10],
    ['arcgiscache', 'CACHE', 0],
    ['arcgissystem', 'SYSTEM', 0],
  ] as const
).map(([name, directoryType, maxFileAge]) => ({
  name,
  physicalPath: `/srv/arcgis/directories/${name}`,
  directoryType,
  cleanupMode: maxFileAge ? 'TIME_ELAPSED_SINCE_LAST_MODIFIED' : 'NONE',
  maxFileAge,
  description: '',
  virtualPath: `/rest/directories/${name}`,
  useLocalDir: false,
  localDirectoryPath: '',
}));

function updateMode(site: SiteState, { siteMode }: Record<string, string>): object {
  if (siteMode !== 'EDITABLE' && siteMode !== 'READ_ONLY') {
    throw new SiteRefusal(400, "The parameter 'siteMode' is not valid.");
  }
  site.mode = siteMode;
  return { status: 'success' };
}

/** Renamed at 10.9, from a white list to an allowed list. */
function shownProperties({ settings, properties }: SiteState): object {
  const isRenamed = toCurrentVersion(settings.version) >= 10.9;
  const key = isRenamed ? 'uploadFileExtensionAllowedList' : 'uploadFileExtensionWhitelist';
  return { [key]: defaultUploadExtensions, ...properties };
}

function securityConfig({ settings }: SiteState, { origin }: Call): object {
  if (!settings.federated) return { authenticationTier: 'GIS_SERVER' };
  return {
    authenticationTier: 'ARCGIS_PORTAL',
    authenticationMode: 'ARCGIS_PORTAL_TOKEN',
    portalProperties: {
      portalUrl: `${origin}/portal`,
      portalMode: 'ARCGIS_PORTAL_FEDERATION',
      serverId: 'simulatedserver',
      serverUrl: `${origin}/${settings.context}`,
    },
  };
}

const notPermitted =
  'You do not have permissions to access this resource or perform this operation.';

/** Publishers may ask, too. @see Esri, "Get Roles" */
function listRoles({ settings, faults }: SiteState, { params }: Call): object {
  if (faults.take('refuse-roles')) throw new SiteRefusal(403, notPermitted);
  const from = Number(params.startIndex ?? 0) || 0;
  const until = from + (Number(params.pageSize ?? 10) || 10);
  const roles = settings.roles.slice(from, until);
  return {
    roles: roles.map((rolename) => ({ rolename, description: '' })),
    hasMore: until < settings.roles.length,
  };
}

/** Whether a publisher may read the log in all releases is not verified; here one may. */
function queryLogs(site: SiteState, params: Record<string, string>): object {
  if (site.faults.take('refuse-logs')) {
    throw new SiteRefusal(403, notPermitted);
  }
  const filter = params.filter ? readJsonObject(params.filter, 'filter') : {};
  const startTime = readTime(params.startTime);
  const endTime = readTime(params.endTime);
  return site.logs.query({
    level: (params.level ?? 'WARNING').toUpperCase(),
    pageSize: Math.min(Number(params.pageSize ?? 1000) || 1000, 10_000),
    ...(startTime !== undefined && { startTime }),
    ...(endTime !== undefined && { endTime }),
    ...(Array.isArray(filter.services) && { services: filter.services.map(String) }),
    ...(Array.isArray(filter.codes) && { codes: filter.codes.map(Number) }),
  });
}

/** ms, or text like `2026-01-06T10:00:30,000`. */
function readTime(value: string | undefined): number | undefined {
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) : Date.parse(`${value.replace(',', '.')}Z`);
  if (Number.isNaN(ms)) throw new SiteRefusal(400, `'${value}' is not a time.`);
  return ms;
}

/** JSON arguments are text inside a form field. */
export function readJsonObject(text: string | undefined, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    if (value !== null && typeof value === 'object') return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw new SiteRefusal(400, `The parameter '${name}' is missing or not valid JSON.`);
}
