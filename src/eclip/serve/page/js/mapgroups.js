// Categories of the map in colours: as many as an eye can tell apart, the rest together.

const MOST = 10;
const FEWEST = 4;
const REST = "rest";

/**
 * Gives each point its `group` and returns the groups, largest first, the rest last.
 * The level of the category tree is the first that parts the listings into a few groups at least.
 */
export function categoryGroups(points) {
  const deepest = Math.max(1, ...points.map(({ category }) => category?.length ?? 0));
  let counts = new Map();
  for (let level = 1; level <= deepest && counts.size < FEWEST; level += 1) {
    counts = count(points, level);
    counts.level = level;
  }
  const sorted = [...counts].sort((one, other) => other[1] - one[1]);
  const kept = sorted.slice(0, sorted.length > MOST ? MOST - 1 : MOST);
  const number = new Map(kept.map(([key], index) => [key, index]));
  for (const point of points) point.group = number.get(keyOf(point, counts.level)) ?? kept.length;
  const groups = kept.map(([key, total], index) => ({ name: JSON.parse(key).at(-1), count: total, hue: index }));
  const others = points.length - groups.reduce((sum, group) => sum + group.count, 0);
  return others ? [...groups, { name: null, count: others, hue: REST }] : groups;
}

const keyOf = ({ category }, level) => (category?.length ? JSON.stringify(category.slice(0, level)) : null);

function count(points, level) {
  const counts = new Map();
  for (const point of points) {
    const key = keyOf(point, level);
    if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
