/** Words of Esri's addresses; any other segment is somebody's name or id. */
const words = new Set(
  `add admin cache cancel clear config content createFolder data delete deleteFolder edit export
  exportImage findAddressCandidates findItems generateToken GPServer FeatureServer GeocodeServer
  handlers healthcheck ImageServer info inputs items iteminfo jobs lifecycleinfos logs machines manifest
  MapServer mode permissions portals properties PublishingTools PublishingToolsEx query rest self server
  servers services sharing start statistics status stop submitJob system System tokens upload
  uploads`.split(/\s+/),
);
const doors = new Set(['admin', 'rest', 'sharing', 'tokens']);

/**
 * What a request asks for, in few words that do not grow with what sites hold:
 * `/arcgis/admin/uploads/i1234/delete` is `admin/uploads/{}/delete`.
 */
export function toSiteOperation(url: string): string {
  if (!URL.canParse(url)) return 'other';
  const segments = new URL(url).pathname.split('/').filter((segment) => segment !== '');
  const door = segments.findIndex((segment) => doors.has(segment));
  if (door < 0) return 'other';
  const shown = segments.slice(door).map((segment) => (words.has(segment) ? segment : '{}'));
  return shown.filter((segment, at) => segment !== '{}' || shown[at - 1] !== '{}').join('/');
}
