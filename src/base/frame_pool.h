// SPDX-License-Identifier: MIT
// Frame pool: memory for coroutine frames and task states, from a free list per thread and size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace asyncio::base {

/// What the pools hold. Counts of other threads are as of their last visit to the common store.
struct FrameStats {
    std::size_t live_blocks = 0;   // handed out and not yet given back
    std::size_t cached_blocks = 0; // on the calling thread's free lists
    std::size_t large_blocks = 0;  // live ones beyond the largest class, straight from the heap
    std::size_t slabs = 0;         // pieces of `slab_bytes` held from the heap
};

/// Sizes up to `largest` bytes, in classes of `Grain` bytes; each class has a free list per thread.
///
/// While a thread works, its free lists keep what it gave back, up to `cached_bytes_max`: the next
/// burst of work wants it again. Before it sleeps it calls trim_pools(), which leaves
/// `idle_bytes_max` in a list; the rest goes to the common store, and slabs that are empty to the
/// heap. A thread that ends gives all its lists back.
/// Blocks may be given back on another thread than they were taken on. Under sanitizers every block
/// is an allocation of its own, so that a use after the end is seen.
///
/// Thread    any; the free lists are the calling thread's.
/// Cost      take and give: about 1 ns each while the free list serves them; no lock.
template <std::size_t Grain>
class BlockPool {
public:
    static constexpr std::size_t largest = 1024;
    // malloc spends two more pages on a piece that is aligned to its size; only what has been
    // handed out at least once is resident.
    static constexpr std::size_t slab_bytes = 256 << 10;
    static constexpr std::size_t cached_bytes_max = 64 << 20; // per class and thread
    static constexpr std::size_t idle_bytes_max = 1 << 20; // the same, of a thread that sleeps

    /// Memory for `bytes`, aligned to `Grain`. Throws std::bad_alloc.
    static void* take(std::size_t bytes) {
        const std::size_t index = (bytes + Grain - 1) / Grain;
        if (index >= class_count) [[unlikely]]
            return take_large(bytes);
        Bin& bin = bins_[index];
        if (Block* block = bin.first; block != nullptr) [[likely]] {
            bin.first = block->next;
            ++bin.room;
            return block;
        }
        return refill(index);
    }

    /// Gives back what `take(bytes)` returned.
    static void give(void* memory, std::size_t bytes) noexcept {
        const std::size_t index = (bytes + Grain - 1) / Grain;
        if (index >= class_count) [[unlikely]]
            return give_large(memory);
        Bin& bin = bins_[index];
        if (bin.room != 0) [[likely]] {
            --bin.room;
            Block* block = static_cast<Block*>(memory);
            block->next = bin.first;
            bin.first = block;
        } else {
            overflow(index, memory);
        }
    }

    /// Adds what this pool holds to `into`.
    static void add_stats(FrameStats& into) noexcept;
    static void trim() noexcept;

    /// For tests of what happens without memory: while it lives, no block is free, neither on this
    /// thread's lists nor in the store. So the next one of each class is an allocation.
    ///
    /// Thread    the one that made it; others use no pool meanwhile.
    /// Cost      a visit to each class.
    class FreeBlocksAside;

private:
    struct Block {
        Block* next;
    };
    struct Bin {
        Block* first = nullptr;
        std::uint32_t room = 0; // how many more blocks the list may take
        std::uint32_t granted = 0; // how many it may have; more is granted as it fills

        std::uint32_t count() const noexcept { return granted - room; }
    };
    struct Store;
    struct ThreadEnd;

    static constexpr std::size_t class_count = largest / Grain + 1;

    static void* refill(std::size_t index);
    static void overflow(std::size_t index, void* memory) noexcept;
    static void* take_large(std::size_t bytes);
    static void give_large(void* memory) noexcept;
    static void open_bins() noexcept;
    static void close_bins() noexcept;

    [[gnu::tls_model("initial-exec")]] static constinit thread_local Bin bins_[class_count];
};

template <std::size_t Grain>
class BlockPool<Grain>::FreeBlocksAside {
public:
    FreeBlocksAside() noexcept; // from here on
    FreeBlocksAside(const FreeBlocksAside&) = delete;
    FreeBlocksAside& operator=(const FreeBlocksAside&) = delete;
    ~FreeBlocksAside();

private:
    struct Class {
        Bin bin;
        void* open_slabs = nullptr;
        std::size_t empty_slabs = 0;
    };
    Class classes_[class_count];
};

using FramePool = BlockPool<16>; // coroutine frames
using StatePool = BlockPool<8>; // task states, apart from frames: one pool for both shuffles memory

extern template class BlockPool<16>;
extern template class BlockPool<8>;

/// Both pools together.
/// Thread    any.
FrameStats frame_stats() noexcept;

/// Set while a list of this thread may have more than idle_bytes_max.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local bool pools_are_swollen;

/// Gives back what this thread's lists need not keep while it sleeps, and all slabs that are empty.
/// Cost      one visit to each block given back.
void trim_pools() noexcept;

} // namespace asyncio::base
