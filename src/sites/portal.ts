import { z } from 'zod';
import { parseAnswer, TextLike } from './answer-shapes.ts';
import type { CallOptions } from './site-client.ts';
import { isRefusal } from './site-errors.ts';
import type { Site } from './sites.ts';

/** An item of the portal, or what is known when it cannot be seen. */
export type PortalItem =
  | {
      kind: 'found';
      itemId: string;
      title?: string;
      type?: string;
      owner?: string;
      access?: string;
    }
  | { kind: 'refused'; itemId: string; siteMessages: string[] };

const ItemAnswer = z.looseObject({
  title: TextLike,
  type: TextLike,
  owner: TextLike,
  access: TextLike,
});

/** Undefined where the site has no portal, or our account logs in at the server alone. */
export async function readPortalItems(
  site: Site,
  itemIds: readonly string[],
  options: CallOptions = {},
): Promise<PortalItem[] | undefined> {
  const items: PortalItem[] = [];
  for (const itemId of itemIds) {
    const item = await readPortalItem(site, itemId, options);
    if (!item) return undefined;
    items.push(item);
  }
  return items;
}

async function readPortalItem(
  site: Site,
  itemId: string,
  { signal }: CallOptions,
): Promise<PortalItem | undefined> {
  const to = `show the portal item ${itemId}`;
  try {
    const json = await site.client.readPortal(['content', 'items', itemId], { to, signal });
    if (json === undefined) return undefined;
    const asked = { site: site.name, to, kind: 'read' } as const;
    const { title, type, owner, access } = parseAnswer(ItemAnswer, json, asked);
    return {
      kind: 'found',
      itemId,
      ...(title !== undefined && { title }),
      ...(type !== undefined && { type }),
      ...(owner !== undefined && { owner }),
      ...(access !== undefined && { access }),
    };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: 'refused', itemId, siteMessages: error.siteMessages };
  }
}

const ServerList = z.looseObject({
  servers: z.array(z.looseObject({ url: TextLike, adminUrl: TextLike, serverRole: TextLike })),
});

/** @see Esri, "Federation servers"; what an account below administrator gets to see is not verified */
export async function isHostingServerOfPortal(
  site: Site,
  { signal }: CallOptions = {},
): Promise<boolean | undefined> {
  const call = { to: 'list the servers of its portal', signal };
  try {
    const json = await site.client.readPortal(['portals', 'self', 'servers'], call);
    const { data: list } = ServerList.safeParse(json);
    const ours = list?.servers.find(({ url, adminUrl }) =>
      [url, adminUrl].some((address) => address !== undefined && isAddressOf(site, address)),
    );
    return ours ? ours.serverRole === 'HOSTING_SERVER' : undefined;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

function isAddressOf(site: Site, address: string): boolean {
  const plain = (url: string) => url.replace(/\/+$/, '').toLowerCase();
  return [site.config.url, site.config.adminUrl ?? site.config.url].some(
    (own) => plain(own) === plain(address),
  );
}
