// SPDX-License-Identifier: MIT
// Python's heapq: the same heap, step by step, so that equal items leave in the same order.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace asyncio::base {

namespace heapq_detail {

// To the root from `at`, but not above `root`, past parents that are larger.
template <class T, class Less>
void sift_down(std::vector<T>& heap, std::size_t root, std::size_t at, Less& less) {
    while (at > root) {
        const std::size_t parent = (at - 1) / 2;
        if (!less(heap[at], heap[parent])) break;
        std::swap(heap[at], heap[parent]);
        at = parent;
    }
}

// Of the first `size` items: the root's smaller child comes up, and its own smaller child, down to
// a leaf; there what was the root is put in order. It mostly belongs near a leaf: so half of the
// comparisons are spared.
template <class T, class Less>
void sift_up(std::vector<T>& heap, std::size_t size, Less& less) {
    std::size_t at = 0;
    for (std::size_t child = 1; child < size; child = 2 * at + 1) {
        const std::size_t right = child + 1;
        if (right < size && !less(heap[child], heap[right])) child = right;
        std::swap(heap[at], heap[child]);
        at = child;
    }
    sift_down(heap, 0, at, less);
}

} // namespace heapq_detail

/// Adds an item.  Throws what allocating, moving and `less` throw: no item is lost.
/// Source    CPython 3.14 heapq.heappush.
template <class T, class Less>
void heappush(std::vector<T>& heap, std::type_identity_t<T>&& item, Less less) {
    heap.push_back(std::move(item));
    heapq_detail::sift_down(heap, 0, heap.size() - 1, less);
}

/// Takes the smallest item of a heap that has one.  Throws as heappush: no item is lost.
/// Source    CPython 3.14 heapq.heappop.
template <class T, class Less>
T heappop(std::vector<T>& heap, Less less) {
    std::swap(heap.front(), heap.back());
    heapq_detail::sift_up(heap, heap.size() - 1, less);
    T smallest(std::move(heap.back()));
    heap.pop_back();
    return smallest;
}

} // namespace asyncio::base
