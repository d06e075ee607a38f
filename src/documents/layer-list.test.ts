import { expect, test } from 'vitest';
import { type CimElement, fromJson, readCim } from './cim-document.ts';
import { listLayers } from './layer-list.ts';

/** A map of JSON elements, found by their `uRI`. */
function listOf(map: object, elements: { uRI: string; [key: string]: unknown }[]) {
  const byUri = new Map(elements.map((element) => [element.uRI, fromJson(element)]));
  return listLayers(fromJson({ type: 'CIMMap', ...map }) as CimElement, (uri) => byUri.get(uri));
}

const layer = (uRI: string, more: object = {}) => ({
  type: 'CIMFeatureLayer',
  name: uRI,
  uRI,
  ...more,
});
const group = (uRI: string, layers: string[], more: object = {}) => ({
  ...layer(uRI, more),
  type: 'CIMGroupLayer',
  layers,
});

test('numbers layers depth first, a group before its children, tables last', () => {
  const { layers, tables } = listOf({ layers: ['g', 'c'], standaloneTables: ['t'] }, [
    layer('c'),
    layer('a'),
    group('g', ['a', 'h']),
    group('h', ['b']),
    layer('b'),
    { type: 'CIMStandaloneTable', name: 't', uRI: 't' },
  ]);

  expect(layers.map(({ id, name, parentId }) => [id, name, parentId])).toEqual([
    [0, 'g', undefined],
    [1, 'a', 0],
    [2, 'h', 0],
    [3, 'b', 2],
    [4, 'c', undefined],
  ]);
  expect(tables).toEqual([{ id: 5, name: 't' }]);
});

test('takes the ids of a map that fixes them, and free ones for the rest', () => {
  const { layers, tables } = listOf(
    { useServiceLayerIDs: true, layers: ['a', 'b', 'g'], standaloneTables: ['t'] },
    [
      layer('a', { serviceLayerID: 7 }),
      layer('b'),
      group('g', ['c'], { serviceLayerID: 0 }),
      layer('c', { serviceLayerID: 3 }),
      { type: 'CIMStandaloneTable', name: 't', uRI: 't', serviceTableID: 34 },
    ],
  );

  expect(layers.map(({ id, name, parentId }) => [id, name, parentId])).toEqual([
    [7, 'a', undefined],
    [1, 'b', undefined],
    [0, 'g', undefined],
    [3, 'c', 0],
  ]);
  expect(tables).toEqual([{ id: 34, name: 't' }]);
});

test('ignores ids that the map does not ask for', () => {
  const { layers } = listOf({ layers: ['a'] }, [layer('a', { serviceLayerID: 7 })]);

  expect(layers[0]?.id).toBe(0);
});

test('comes to an end with groups that hold each other, and skips what is missing', () => {
  const { layers } = listOf({ layers: ['g', 'nothing'] }, [group('g', ['h']), group('h', ['g'])]);

  expect(layers.map(({ name }) => name)).toEqual(['g', 'h']);
});

test('reads XML of both generations, with tables inside of the map', () => {
  const map = readCim(
    Buffer.from(
      "\uFEFF<?xml version='1.0'?><CIMDEMap><Name>Layers</Name><Layers><String>a</String></Layers>" +
        '<StandaloneTables><CIMStandaloneTable><DisplayName>T</DisplayName><ServiceTableID>-1</ServiceTableID>' +
        '</CIMStandaloneTable></StandaloneTables><Other><Name>not this</Name></Other></CIMDEMap>',
    ),
    'map.xml',
  ) as CimElement;
  const inner = readCim(
    Buffer.from(
      '<CIMDEGeographicFeatureLayer><X><Name>no</Name></X><Name>A &amp; B</Name></CIMDEGeographicFeatureLayer>',
    ),
    'a.xml',
  );

  expect(listLayers(map, () => inner)).toEqual({
    layers: [{ id: 0, name: 'A & B', type: 'Feature Layer' }],
    tables: [{ id: 1, name: 'T' }],
  });
});
