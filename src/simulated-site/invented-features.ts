/** There is no data behind a simulated service; these few points stand in for it. */
export const inventedFields = [
  { name: 'OBJECTID', type: 'esriFieldTypeOID', alias: 'OBJECTID' },
  { name: 'NAME', type: 'esriFieldTypeString', alias: 'NAME', length: 50 },
];

export const layerFullExtent = {
  xmin: 5.9,
  ymin: 45.8,
  xmax: 10.5,
  ymax: 47.9,
  spatialReference: { wkid: 4326, latestWkid: 4326 },
};

/** A layer has a few features, not all layers equally many. */
export function inventedFeatures(layerId: number): object[] {
  return Array.from({ length: 3 + (layerId % 3) }, (_, index) => ({
    attributes: { OBJECTID: index + 1, NAME: `Feature ${index + 1}` },
    geometry: { x: 7 + index / 2, y: 46.5 + index / 10 },
  }));
}
