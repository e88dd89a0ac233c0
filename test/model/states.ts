import type { State } from './state.js';
import * as fields from './state.js';

// A local copy: a lookup in another module each time takes three times as long.
const at = { ...fields };

const nibblesPerWord = 8;
const words = Math.ceil(at.fields / nibblesPerWord);
const straight = Uint8Array.from({ length: at.fields }, (_, field) => field);
/** The index of each field after the two gateways change places. */
const mirrored = straight.map((field) => {
  if (field < at.first) return field;
  return field < at.second ? field + at.replicaFields : field - at.replicaFields;
});

/**
 * All states found so far, each with its predecessor. States that differ only in the order of the gateways count as
 * one.
 */
export class States {
  size = 0;
  #packed = new Uint32Array(words << 16);
  #parents = new Uint32Array(1 << 16);
  #table = new Uint32Array(1 << 18);
  readonly #key = new Uint32Array(words);

  /** Whether it is new. */
  add(state: State, parent: number): boolean {
    this.#pack(state);
    const slot = this.#findSlot();
    if (this.#table[slot] !== 0) return false;
    if (this.size === this.#parents.length) this.#grow();
    this.#packed.set(this.#key, this.size * words);
    this.#parents[this.size] = parent;
    this.size++;
    this.#table[slot] = this.size;
    if (this.size * 2 > this.#table.length) this.#rehash();
    return true;
  }

  /** The number of a state; undefined for a new one. */
  find(state: State): number | undefined {
    this.#pack(state);
    const found = this.#table[this.#findSlot()] as number;
    return found === 0 ? undefined : found - 1;
  }

  read(index: number, into: State): void {
    for (let word = 0; word < words; word++) {
      let bits = this.#packed[index * words + word] as number;
      const first = word * nibblesPerWord;
      const end = Math.min(first + nibblesPerWord, at.fields);
      for (let field = first; field < end; field++) {
        into[field] = bits & 15;
        bits >>>= 4;
      }
    }
  }

  parentOf(index: number): number {
    return this.#parents[index] as number;
  }

  #pack(state: State): void {
    const order = isSecondSmaller(state) ? mirrored : straight;
    for (let word = 0, field = 0; word < words; word++) {
      let bits = 0;
      for (let shift = 0; shift < 32 && field < at.fields; shift += 4, field++)
        bits |= (state[order[field] as number] as number) << shift;
      this.#key[word] = bits;
    }
  }

  #findSlot(): number {
    const mask = this.#table.length - 1;
    let hash = 0;
    for (let word = 0; word < words; word++) {
      hash = Math.imul(hash ^ (this.#key[word] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    let slot = (hash >>> 0) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const found = this.#table[slot] as number;
      if (found === 0 || this.#isAt(found - 1)) return slot;
    }
  }

  #isAt(index: number): boolean {
    const start = index * words;
    for (let word = 0; word < words; word++) if (this.#packed[start + word] !== this.#key[word]) return false;
    return true;
  }

  #grow(): void {
    const packed = new Uint32Array(this.#packed.length * 2);
    packed.set(this.#packed);
    this.#packed = packed;
    const parents = new Uint32Array(this.#parents.length * 2);
    parents.set(this.#parents);
    this.#parents = parents;
  }

  #rehash(): void {
    this.#table = new Uint32Array(this.#table.length * 2);
    for (let index = 0; index < this.size; index++) {
      this.#key.set(this.#packed.subarray(index * words, (index + 1) * words));
      this.#table[this.#findSlot()] = index + 1;
    }
  }
}

function isSecondSmaller(state: State): boolean {
  for (let field = 0; field < at.replicaFields; field++) {
    const difference = (state[at.first + field] as number) - (state[at.second + field] as number);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
