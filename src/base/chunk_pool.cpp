// SPDX-License-Identifier: MIT
// The threads' lists of chunks. Large ones are mapped: a heap that trims itself costs nothing then.
#include "base/chunk_pool.h"

#include "base/sanitizers.h"

#include <atomic>
#include <new>
#include <sys/mman.h> // tidy: system: a heap that trims itself is what this is to avoid

namespace asyncio::base {

namespace {

constexpr bool pooled = !heap_is_watched;

constexpr std::size_t mapped_bytes_min = 64 * 1024;
constexpr std::size_t list_bytes_max = 1024 * 1024; // a size and thread

constexpr std::size_t class_of(std::size_t bytes) noexcept {
    return static_cast<std::size_t>(std::bit_width(bytes / (2 * Chunk::bytes_min)));
}
constexpr std::size_t class_count = class_of(Chunk::kept_bytes_max) + 1;

struct Free {
    Free* next;
};
struct List {
    Free* first = nullptr;
    std::size_t bytes = 0;
};

constinit thread_local List lists[class_count] = {};
constinit thread_local bool keeps = false; // the thread has a place to empty its lists at its end
constinit thread_local std::ptrdiff_t live_here = 0; // may be negative: given back here only
std::atomic<std::ptrdiff_t> live_of_ended{0};

char* from_system(std::size_t bytes) {
    if (!pooled || bytes < mapped_bytes_min) return static_cast<char*>(::operator new(bytes));
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return static_cast<char*>(memory);
}

void to_system(void* memory, std::size_t bytes) noexcept {
    if (!pooled || bytes < mapped_bytes_min) return ::operator delete(memory);
    ::munmap(memory, bytes);
}

struct ThreadEnd {
    bool ended = false;
    ~ThreadEnd() {
        ended = true;
        keeps = false;
        live_of_ended.fetch_add(std::exchange(live_here, 0), std::memory_order_relaxed);
        for (std::size_t i = 0; i < class_count; ++i) {
            while (Free* chunk = lists[i].first) {
                lists[i].first = chunk->next;
                to_system(chunk, Chunk::bytes_min << i);
            }
        }
    }
};

// Begins to keep chunks, unless the thread is at its end.
bool begin_keeping() noexcept {
    static thread_local ThreadEnd end;
    if (!end.ended) keeps = true;
    return keeps;
}

} // namespace

char* Chunk::take(std::size_t bytes) {
    char* data = nullptr;
    if (bytes <= kept_bytes_max && lists[class_of(bytes)].first != nullptr) [[likely]] {
        List& list = lists[class_of(bytes)];
        data = reinterpret_cast<char*>(std::exchange(list.first, list.first->next));
        list.bytes -= bytes;
    } else {
        data = from_system(bytes);
        if (!keeps) begin_keeping();
    }
    ++live_here;
    return data;
}

void Chunk::give(char* data, std::size_t bytes) noexcept {
    --live_here;
    if (!keeps && !begin_keeping()) return to_system(data, bytes);
    if (!pooled || bytes > kept_bytes_max) return to_system(data, bytes);
    List& list = lists[class_of(bytes)];
    if (list.bytes + bytes > list_bytes_max) return to_system(data, bytes);
    list.bytes += bytes;
    list.first = ::new (static_cast<void*>(data)) Free{list.first};
}

std::size_t Chunk::live() noexcept {
    return static_cast<std::size_t>(live_here + live_of_ended.load(std::memory_order_relaxed));
}

} // namespace asyncio::base
