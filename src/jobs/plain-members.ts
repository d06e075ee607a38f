/**
 * Members of connections that hold no secret, in lower case. Esri, "Data Item". The members of other providers
 * and of newer releases are not documented where they could be read: what is not known here may be a key.
 */
const plainMembers = new Set([
  ...['credentialtype', 'accesskeyid', 'region', 'regionendpointurl', 'defaultendpointsprotocol'],
  ...['accountname', 'accountendpoint', 'tenantid', 'clientid', 'authorityhost'],
  ...['managedidentityclientid', 'path', 'provider', 'objectstore', 'folder', 'hostname'],
  ...['connectiontype', 'datastoreconnectiontype', 'ismanaged', 'secretfrom'],
]);

export function isPlainMember(name: string): boolean {
  return plainMembers.has(name.toLowerCase());
}
