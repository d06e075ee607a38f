import { issue, logIn, readBinding, tokenServiceRefusal } from './login-operations.ts';
import type { Call, Operation } from './operation.ts';
import type { PortalItem } from './portal.ts';
import { toCurrentVersion } from './settings.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';
import type { Token } from './tokens.ts';

/** What a client of a federated site needs of its portal. Errors have the form of the REST API. */
export function portalOperations(site: SiteState): Operation[] {
  if (!site.settings.federated) return [];
  const sharing = '/sharing/rest';
  const userItem = `${sharing}/content/users/:user/items/:id`;
  const operation = (
    name: string,
    path: string,
    handle: (call: Call) => unknown,
    more: Partial<Operation> = {},
  ): Operation => ({
    name,
    paths: [`${sharing}${path}`],
    face: 'portal',
    access: 'ACCESS',
    handle,
    ...more,
  });
  const posted = { methods: 'POST' } as const;
  const open = { access: 'nobody-known' } as const;
  return [
    operation('portal-info', '/info', (call) => describe(call), open),
    operation('login', '/generateToken', (call) => generateToken(site, call), {
      ...open,
      ...posted,
    }),
    operation('portal-self', '/portals/self', (call) => ({
      id: 'simulatedportal',
      isReadOnly: site.mode === 'READ_ONLY',
      currentVersion: toCurrentVersion(site.settings.version),
      user: { username: call.token?.username, role: 'org_publisher' },
    })),
    operation('portal-servers', '/portals/self/servers', (call) => ({
      servers: [
        {
          id: 'simulatedserver',
          url: `${call.origin}/${site.settings.context}`,
          serverRole: 'HOSTING_SERVER',
          isHosted: true,
        },
      ],
    })),
    operation('portal-item', '/content/items/:id', (call) => shown(site, call, owned(site, call))),
    operation('portal-content', '/content/users/:user', (call) => ({
      username: call.names.user,
      items: site.portal
        .items()
        .filter(({ owner }) => owner === call.names.user)
        .map((item) => shown(site, call, item)),
      folders: [],
    })),
    operation('portal-add-item', '/content/users/:user/addItem', (call) => add(site, call), posted),
    {
      ...operation('portal-edit-item', '', (call) => edit(site, call), posted),
      paths: [`${userItem}/update`],
    },
    {
      ...operation('portal-delete-item', '', (call) => remove(site, call), posted),
      paths: [`${userItem}/delete`],
    },
    operation(
      'portal-share-items',
      '/content/users/:user/shareItems',
      (call) => share(site, call),
      posted,
    ),
  ];
}

function describe(call: Call): object {
  return {
    owningSystemUrl: `${call.origin}/portal`,
    authInfo: {
      tokenServicesUrl: `${call.origin}/portal/sharing/rest/generateToken`,
      isTokenBasedSecurity: true,
    },
  };
}

/**
 * A login, or a portal token exchanged for one of a server. Clients spell the parameter `serverUrl` and
 * `serverURL`; which the portal insists on is not verified, so both are taken.
 *
 * @see Esri, "Generate Token" of the portal
 */
function generateToken(site: SiteState, call: Call): object {
  const { token, serverUrl, serverURL } = call.params;
  const issued =
    token && (serverUrl ?? serverURL) ? exchange(site, call, token) : logInAtPortal(site, call);
  return {
    token: issued.value,
    expires: issued.expiresAt,
    ssl: call.origin.startsWith('https:'),
  };
}

function logInAtPortal(site: SiteState, call: Call): Token {
  const account = logIn(site, call, tokenServiceRefusal);
  return issue(site, call, account, readBinding(call), 'portal');
}

function exchange(site: SiteState, call: Call, value: string): Token {
  const token = site.tokens.find(value);
  const { username, privilege, binding } = token;
  return issue(site, call, { username, privilege, password: '' }, binding, 'exchange');
}

function owned(site: SiteState, { names, token }: Call): PortalItem {
  const item = site.portal.get(names.id ?? '');
  if (item.owner !== token?.username && token?.privilege !== 'ADMINISTER') {
    throw new SiteRefusal(403, 'You do not have permissions to access this resource.');
  }
  return item;
}

function shown(site: SiteState, { origin }: Call, item: PortalItem): object {
  const { service, ...rest } = item;
  const folder = service?.folder ? `${service.folder}/` : '';
  const name = `${folder}${service?.json.serviceName}/${item.type}`;
  return {
    ...rest,
    url: service && `${origin}/${site.settings.context}/rest/services/${name}`,
  };
}

function add(site: SiteState, { params, names }: Call): object {
  const item = site.portal.add({
    owner: names.user ?? '',
    type: params.type ?? '',
    title: params.title ?? '',
    description: params.description ?? '',
    tags: (params.tags ?? '').split(',').filter(Boolean),
  });
  return { success: true, id: item.id, folder: '' };
}

function edit(site: SiteState, call: Call): object {
  const item = owned(site, call);
  const { title, description, snippet, tags } = call.params;
  if (title !== undefined) item.title = title;
  if (description !== undefined) item.description = description;
  if (snippet !== undefined) item.snippet = snippet;
  if (tags !== undefined) item.tags = tags.split(',');
  return { success: true, id: item.id };
}

/** Deleting an item deletes the service since 10.6.1; of a capability, that capability. */
function remove(site: SiteState, call: Call): object {
  const item = owned(site, call);
  site.portal.remove(item.id);
  const { service } = item;
  if (service && item.type === service.json.type) {
    site.services.remove(service);
    site.portal.removeItemsOf(service);
  } else if (service) {
    for (const extension of service.json.extensions ?? []) {
      if (extension.typeName === item.type) extension.enabled = 'false';
    }
  }
  return { success: true, itemId: item.id };
}

function share(site: SiteState, { params }: Call): object {
  const access = params.everyone === 'true' ? 'public' : params.org === 'true' ? 'org' : 'private';
  const results = (params.items ?? '').split(',').map((id) => {
    site.portal.get(id).access = access;
    return { itemId: id, success: true, notSharedWith: [] };
  });
  return { results };
}
