/**
 * Which columns exist: those that can be seen, and one on either side (40 bays are not 40 × 48 cells). Belongs here: the
 * virtualizer's life with its scroll container. Does not belong here: where columns stand (`layout/columns`).
 */

import { signal, type ReadonlySignal } from '@preact/signals';
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';

import type { ColumnLayout } from '../layout/columns';

const OVERSCAN = 1;

export class ColumnWindow {
  readonly #visible = signal<readonly number[]>([]);
  readonly #virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  readonly #unmount: () => void;

  constructor(scroller: HTMLElement) {
    this.#virtualizer = new Virtualizer<HTMLElement, HTMLElement>({
      ...this.#options(0, 100, 0),
      getScrollElement: () => scroller,
    });
    this.#unmount = this.#virtualizer._didMount();
  }

  /** Indexes of the columns to render, in order. */
  get visible(): ReadonlySignal<readonly number[]> {
    return this.#visible;
  }

  /** `gutter` is the width of what stands before the first column and stays in sight. */
  update(columns: ColumnLayout, gutter: number): void {
    const resized = this.#virtualizer.options.estimateSize(0) !== columns.width;
    this.#virtualizer.setOptions({
      ...this.#options(columns.count, columns.width, gutter),
      getScrollElement: this.#virtualizer.options.getScrollElement,
    });
    if (resized) this.#virtualizer.measure();
    this.#virtualizer._willUpdate();
    this.#read();
  }

  reveal(index: number): void {
    this.#virtualizer.scrollToIndex(index, { align: 'auto' });
  }

  unmount(): void {
    this.#unmount();
  }

  #options(count: number, width: number, gutter: number) {
    return {
      count,
      horizontal: true,
      overscan: OVERSCAN,
      paddingStart: gutter,
      scrollPaddingStart: gutter,
      estimateSize: () => width,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      onChange: () => {
        this.#read();
      },
    };
  }

  #read(): void {
    const indexes = this.#virtualizer.getVirtualItems().map((item) => item.index);
    const before = this.#visible.peek();
    if (indexes.length !== before.length || indexes.some((index, at) => index !== before[at]))
      this.#visible.value = indexes;
  }
}
