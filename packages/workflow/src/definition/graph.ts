/** Questions about who depends on whom; none recurses, so that a chain of any length is answered. */

export interface GraphNode {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/** A circle, as `[a, b, a]`, or nothing. Names that stand for no node are left out. */
export function findCycle(nodes: readonly GraphNode[]): readonly string[] | undefined {
  const left = nodesInCycles(nodes);
  const first = left.values().next().value;
  if (first === undefined) return undefined;
  // Each of them depends on another of them, so whoever walks on must come back.
  const walked: string[] = [];
  let node: GraphNode | undefined = first;
  while (node !== undefined && !walked.includes(node.name)) {
    walked.push(node.name);
    node = node.dependsOn.map((name) => left.get(name)).find((other) => other !== undefined);
  }
  if (node === undefined) return undefined;
  const circle = walked.slice(walked.indexOf(node.name));
  return [...circle, node.name];
}

/** Can `to` be reached by going from `from` to what it depends on, again and again? */
export function isUpstream(to: string, from: string, byName: ReadonlyMap<string, GraphNode>): boolean {
  const seen = new Set<string>();
  const waiting = [...(byName.get(from)?.dependsOn ?? [])];
  for (const name of waiting) {
    if (name === to) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(...(byName.get(name)?.dependsOn ?? []));
  }
  return false;
}

/** Steps by the wave in which they can start at the earliest. */
export function wavesOf<N extends GraphNode>(nodes: readonly N[]): readonly (readonly N[])[] {
  const depth = new Map<string, number>();
  for (const node of inOrder(nodes))
    depth.set(node.name, Math.max(-1, ...node.dependsOn.map((name) => depth.get(name) ?? -1)) + 1);
  const waves: N[][] = [];
  for (const node of nodes) (waves[depth.get(node.name) ?? 0] ??= []).push(node);
  return waves;
}

function nodesInCycles(nodes: readonly GraphNode[]): Map<string, GraphNode> {
  const done = new Set(inOrder(nodes).map((node) => node.name));
  return new Map(nodes.filter((node) => !done.has(node.name)).map((node) => [node.name, node]));
}

/** Everything that can be ordered, dependencies first. */
function inOrder<N extends GraphNode>(nodes: readonly N[]): readonly N[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const missing = new Map<string, number>();
  const dependents = new Map<string, N[]>();
  for (const node of byName.values()) {
    const known = new Set(node.dependsOn.filter((name) => byName.has(name)));
    missing.set(node.name, known.size);
    for (const name of known) {
      const list = dependents.get(name);
      if (list === undefined) dependents.set(name, [node]);
      else list.push(node);
    }
  }
  const order = [...byName.values()].filter((node) => missing.get(node.name) === 0);
  for (const node of order) {
    for (const dependent of dependents.get(node.name) ?? []) {
      const left = (missing.get(dependent.name) ?? 0) - 1;
      missing.set(dependent.name, left);
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}
