// SPDX-License-Identifier: MIT
// The common store behind the threads' free lists: slabs of equal blocks, one lock per class.
#include "base/frame_pool.h"

#include "base/sanitizers.h"

#include <atomic>
#include <mutex>
#include <new>
#include <utility>

namespace asyncio::base {

namespace {

constexpr bool pooled = !heap_is_watched;

constexpr std::size_t slab_bytes = FramePool::slab_bytes;

struct FreeBlock {
    FreeBlock* next;
};

struct Slab {
    Slab* prev = nullptr;
    Slab* next = nullptr;
    FreeBlock* free = nullptr;
    std::uint32_t used = 0;   // blocks handed out
    std::uint32_t carved = 0; // blocks that were handed out at least once
};

constexpr std::size_t slab_header_bytes = 64; // keeps blocks aligned to 16
static_assert(sizeof(Slab) <= slab_header_bytes);

Slab* slab_of(void* block) noexcept {
    return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(slab_bytes - 1));
}

/// All slabs of one block size.
class Depot {
public:
    // Called with the lock held. Null if the heap has no more.
    void* take(std::size_t block_bytes) {
        if (open_ == nullptr) link(new_slab());
        Slab* slab = open_;
        const std::size_t capacity = (slab_bytes - slab_header_bytes) / block_bytes;
        void* block = slab->free;
        if (block != nullptr) {
            slab->free = slab->free->next;
        } else {
            block = reinterpret_cast<std::byte*>(slab) + slab_header_bytes +
                    block_bytes * slab->carved++;
        }
        ++out;
        if (slab->used == 0) --empty_;
        if (++slab->used == capacity) unlink(slab);
        return block;
    }

    void give(void* block, std::size_t block_bytes) noexcept {
        Slab* slab = slab_of(block);
        const std::size_t capacity = (slab_bytes - slab_header_bytes) / block_bytes;
        if (slab->used-- == capacity) link(slab);
        --out;
        FreeBlock* free = static_cast<FreeBlock*>(block);
        free->next = slab->free;
        slab->free = free;
        if (slab->used == 0) ++empty_;
    }

    /// Gives empty slabs back to the heap, but for one.
    void trim() noexcept {
        for (Slab* slab = open_; slab != nullptr && empty_ > 1;) {
            Slab* const next = slab->next;
            if (slab->used == 0) delete_slab(slab);
            slab = next;
        }
    }

    /// Puts all slabs with free blocks aside.  Returns the first, and how many are empty.
    void* set_aside(std::size_t& empty) noexcept {
        empty = std::exchange(empty_, 0);
        return std::exchange(open_, nullptr);
    }
    /// Takes them back, behind those that have come since.
    void take_back(void* first, std::size_t empty) noexcept {
        empty_ += empty;
        Slab* slab = static_cast<Slab*>(first);
        if (open_ == nullptr) {
            open_ = slab;
        } else if (slab != nullptr) {
            Slab* last = open_;
            while (last->next != nullptr) last = last->next;
            last->next = slab;
            slab->prev = last;
        }
    }

    std::mutex lock;
    std::size_t out = 0;   // blocks handed to threads
    std::size_t slabs = 0; // held from the heap

private:
    Slab* new_slab() {
        Slab* slab = ::new (::operator new(slab_bytes, std::align_val_t(slab_bytes))) Slab;
        ++slabs;
        ++empty_;
        return slab;
    }
    void delete_slab(Slab* slab) noexcept {
        unlink(slab);
        --slabs;
        --empty_;
        ::operator delete(slab, std::align_val_t(slab_bytes));
    }
    void link(Slab* slab) noexcept {
        slab->prev = nullptr;
        slab->next = open_;
        if (open_ != nullptr) open_->prev = slab;
        open_ = slab;
    }
    void unlink(Slab* slab) noexcept {
        (slab->prev != nullptr ? slab->prev->next : open_) = slab->next;
        if (slab->next != nullptr) slab->next->prev = slab->prev;
        slab->prev = slab->next = nullptr;
    }

    Slab* open_ = nullptr; // slabs with a free block
    std::size_t empty_ = 0; // those of them that have nothing else
};

std::atomic<std::size_t> large_live{0};

} // namespace

template <std::size_t Grain>
struct BlockPool<Grain>::Store {
    static std::size_t bytes_of(std::size_t index) noexcept {
        return index == 0 ? Grain : index * Grain;
    }
    static std::uint32_t idle_cap(std::size_t index) noexcept {
        return static_cast<std::uint32_t>(idle_bytes_max / bytes_of(index));
    }
    static std::uint32_t cap(std::size_t index) noexcept {
        return static_cast<std::uint32_t>(cached_bytes_max / bytes_of(index));
    }

    /// Moves blocks of a list to the store. The lock is held.
    static void give_back(Bin& bin, std::size_t index, std::size_t count) noexcept {
        for (; count > 0; --count) {
            Block* block = bin.first;
            bin.first = block->next;
            ++bin.room;
            depots[index].give(block, bytes_of(index));
        }
    }

    // Outlives every thread: frames may be given back while statics are destroyed.
    static inline Depot depots[class_count];
    static inline std::atomic<std::size_t> unpooled_live{0};
};

template <std::size_t Grain>
struct BlockPool<Grain>::ThreadEnd {
    bool open = false;
    bool ended = false;
    ~ThreadEnd() {
        ended = true;
        close_bins();
    }
    static thread_local ThreadEnd here;
};
template <std::size_t Grain>
thread_local typename BlockPool<Grain>::ThreadEnd BlockPool<Grain>::ThreadEnd::here;

template <std::size_t Grain>
[[gnu::tls_model("initial-exec")]] constinit thread_local
    typename BlockPool<Grain>::Bin BlockPool<Grain>::bins_[class_count] = {};

template <std::size_t Grain>
void BlockPool<Grain>::open_bins() noexcept {
    for (std::size_t i = 0; i < class_count; ++i) {
        bins_[i].room = bins_[i].granted = Store::idle_cap(i);
    }
    ThreadEnd::here.open = true;
}

template <std::size_t Grain>
void BlockPool<Grain>::trim() noexcept {
    for (std::size_t i = 0; i < class_count; ++i) {
        Bin& bin = bins_[i];
        const std::uint32_t cap = Store::idle_cap(i);
        if (bin.granted <= cap) continue;
        const std::scoped_lock hold(Store::depots[i].lock);
        if (bin.count() > cap) Store::give_back(bin, i, bin.count() - cap);
        bin.room -= bin.granted - cap;
        bin.granted = cap;
        Store::depots[i].trim();
    }
}

template <std::size_t Grain>
void BlockPool<Grain>::close_bins() noexcept {
    for (std::size_t i = 0; i < class_count; ++i) {
        Bin& bin = bins_[i];
        if (bin.first != nullptr) {
            const std::scoped_lock hold(Store::depots[i].lock);
            Store::give_back(bin, i, bin.count());
            Store::depots[i].trim();
        }
        bin.room = bin.granted = 0;
    }
}

template <std::size_t Grain>
void* BlockPool<Grain>::refill(std::size_t index) {
    const std::size_t bytes = Store::bytes_of(index);
    if constexpr (!pooled) {
        void* memory = ::operator new(bytes);
        Store::unpooled_live.fetch_add(1, std::memory_order_relaxed);
        return memory;
    }
    ThreadEnd& end = ThreadEnd::here;
    if (!end.open && !end.ended) open_bins();
    Depot& depot = Store::depots[index];
    Bin& bin = bins_[index];
    const std::scoped_lock hold(depot.lock);
    void* memory = depot.take(bytes);
    // A few more while the lock is held. One slab's worth at most; failure to get them is no error.
    std::size_t batch = 8 * 1024 / bytes;
    for (; batch > 0 && bin.room > 0; --batch) {
        try {
            Block* block = static_cast<Block*>(depot.take(bytes));
            block->next = bin.first;
            bin.first = block;
            --bin.room;
        } catch (const std::bad_alloc&) {
            break;
        }
    }
    return memory;
}

template <std::size_t Grain>
void BlockPool<Grain>::overflow(std::size_t index, void* memory) noexcept {
    if constexpr (!pooled) {
        Store::unpooled_live.fetch_sub(1, std::memory_order_relaxed);
        ::operator delete(memory);
        return;
    }
    ThreadEnd& end = ThreadEnd::here;
    if (!end.open && !end.ended) {
        open_bins();
        return give(memory, Store::bytes_of(index));
    }
    Bin& bin = bins_[index];
    if (!end.ended && bin.granted < Store::cap(index)) {
        const std::uint32_t more = Store::idle_cap(index);
        bin.granted += more;
        bin.room += more;
        pools_are_swollen = true;
        return give(memory, Store::bytes_of(index));
    }
    Depot& depot = Store::depots[index];
    const std::scoped_lock hold(depot.lock);
    depot.give(memory, Store::bytes_of(index));
    if (!end.ended) Store::give_back(bin, index, bin.count() / 4);
}

template <std::size_t Grain>
void* BlockPool<Grain>::take_large(std::size_t bytes) {
    void* memory = ::operator new(bytes);
    large_live.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

template <std::size_t Grain>
void BlockPool<Grain>::give_large(void* memory) noexcept {
    large_live.fetch_sub(1, std::memory_order_relaxed);
    ::operator delete(memory);
}

template <std::size_t Grain>
void BlockPool<Grain>::add_stats(FrameStats& into) noexcept {
    into.live_blocks += Store::unpooled_live.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < class_count; ++i) {
        std::size_t cached = 0;
        for (Block* block = bins_[i].first; block != nullptr; block = block->next) ++cached;
        Depot& depot = Store::depots[i];
        const std::scoped_lock hold(depot.lock);
        into.cached_blocks += cached;
        into.live_blocks += depot.out - cached;
        into.slabs += depot.slabs;
    }
}

template <std::size_t Grain>
BlockPool<Grain>::FreeBlocksAside::FreeBlocksAside() noexcept {
    for (std::size_t i = 0; i < class_count; ++i) {
        classes_[i].bin = std::exchange(bins_[i], Bin());
        Bin& fresh = bins_[i];
        fresh.room = fresh.granted = classes_[i].bin.granted;
        Depot& depot = Store::depots[i];
        const std::scoped_lock hold(depot.lock);
        classes_[i].open_slabs = depot.set_aside(classes_[i].empty_slabs);
    }
}

template <std::size_t Grain>
BlockPool<Grain>::FreeBlocksAside::~FreeBlocksAside() {
    for (std::size_t i = 0; i < class_count; ++i) {
        Depot& depot = Store::depots[i];
        const std::scoped_lock hold(depot.lock);
        Store::give_back(bins_[i], i, bins_[i].count());
        depot.take_back(classes_[i].open_slabs, classes_[i].empty_slabs);
        bins_[i] = classes_[i].bin;
        depot.trim();
    }
}

[[gnu::tls_model("initial-exec")]] constinit thread_local bool pools_are_swollen = false;

void trim_pools() noexcept {
    FramePool::trim();
    StatePool::trim();
    pools_are_swollen = false;
}

template class BlockPool<16>;
template class BlockPool<8>;

FrameStats frame_stats() noexcept {
    FrameStats stats;
    FramePool::add_stats(stats);
    StatePool::add_stats(stats);
    stats.large_blocks = large_live.load(std::memory_order_relaxed);
    stats.live_blocks += stats.large_blocks;
    return stats;
}

} // namespace asyncio::base
