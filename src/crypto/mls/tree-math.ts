/**
 * Arithmetic on the array form of a complete binary tree (RFC 9420 appendix C).
 *
 * Leaf i is node 2i; parents have odd indices. A tree has 2^d leaves, so 2^(d+1) - 1 nodes; its root does not
 * move when leaves come and go below the same width. All functions here take node indices unless they say leaf.
 */

/** The height of a node: 0 for leaves. */
export function level(node: number): number {
  // Trailing one bits: 31 minus the leading zeros of the lowest zero bit.
  return 31 - Math.clz32(~node & (node + 1))
}

/** How many nodes a tree of `leafCount` leaves has. */
export const nodeWidth = (leafCount: number): number => (leafCount === 0 ? 0 : 2 * leafCount - 1)

/** The root of a tree of `leafCount` leaves, a power of two. */
export const root = (leafCount: number): number => leafCount - 1

/** The left child of a parent. */
export const left = (node: number): number => node ^ (1 << (level(node) - 1))

/** The right child of a parent. */
export const right = (node: number): number => node ^ (3 << (level(node) - 1))

/** The parent of a node that is not the root. */
export function parent(node: number): number {
  const height = level(node)
  const side = (node >>> (height + 1)) & 1
  return (node | (1 << height)) ^ (side << (height + 1))
}

/** The other child of the same parent. */
export function sibling(node: number): number {
  const above = parent(node)
  return node < above ? right(above) : left(above)
}

/** Whether `node` is `ancestor` or below it. */
export function isBelow(node: number, ancestor: number): boolean {
  const reach = (1 << level(ancestor)) - 1
  return node >= ancestor - reach && node <= ancestor + reach
}

/** From a node's parent up to the root. */
export function directPath(node: number, leafCount: number): number[] {
  const path: number[] = []
  const top = root(leafCount)
  for (let at = node; at !== top;) {
    at = parent(at)
    path.push(at)
  }
  return path
}

/** The lowest node that has both nodes below it. */
export function commonAncestor(a: number, b: number): number {
  let node = a
  while (!isBelow(b, node)) node = parent(node)
  return node
}
