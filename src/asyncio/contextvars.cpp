// SPDX-License-Identifier: MIT
// Context maps: sorted, immutable, shared; a write makes a new one.
#include "asyncio/contextvars.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace asyncio {

namespace detail {

struct ContextMap {
    struct Entry {
        std::uint64_t variable;
        ContextValue* value; // one count
    };

    ContextMap() = default;
    ContextMap(const ContextMap& other) : entries(other.entries) {
        for (const Entry& e : entries) e.value->refs.fetch_add(1, std::memory_order_relaxed);
    }
    ContextMap& operator=(const ContextMap&) = delete;
    ~ContextMap() {
        for (const Entry& e : entries) release(e.value);
    }

    std::vector<Entry>::const_iterator lower_bound(std::uint64_t variable) const {
        return std::lower_bound(
            entries.begin(), entries.end(), variable,
            [](const Entry& entry, std::uint64_t id) { return entry.variable < id; });
    }

    mutable std::atomic<std::uint32_t> refs{1};
    std::vector<Entry> entries; // by variable
};

namespace {

const ContextMap* add_ref(const ContextMap* map) noexcept {
    if (map != nullptr) map->refs.fetch_add(1, std::memory_order_relaxed);
    return map;
}

void release(const ContextMap* map) noexcept {
    if (map != nullptr && map->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete map;
}

void release(ContextHolder* holder) noexcept {
    if (holder->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    release(holder->map);
    delete holder;
}

ContextHolder* holder_of(std::uintptr_t bits) noexcept {
    return (bits & 1) != 0 ? reinterpret_cast<ContextHolder*>(bits & ~std::uintptr_t{1}) : nullptr;
}

thread_local ContextSlot own_context; // what is set outside of every task and callback

} // namespace

[[gnu::tls_model("initial-exec")]] constinit thread_local ContextSlot* context_slot = nullptr;

void release(ContextValue* value) noexcept {
    if (value->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) value->destroy(value);
}

std::uintptr_t ContextSlot::shared(const ContextMap* map) noexcept {
    return reinterpret_cast<std::uintptr_t>(add_ref(map));
}

void ContextSlot::drop() noexcept {
    if (ContextHolder* holder = holder_of(bits_)) {
        release(holder);
    } else {
        release(map());
    }
}

ContextValue* ContextSlot::find(std::uint64_t variable) const noexcept {
    const ContextMap* values = map();
    if (values == nullptr) return nullptr;
    const auto at = values->lower_bound(variable);
    return at != values->entries.end() && at->variable == variable ? at->value : nullptr;
}

void ContextSlot::set(std::uint64_t variable, ContextValue* value) {
    struct Count { // one count of `value`, given back if the map cannot be made
        ContextValue* value;
        ~Count() {
            if (value != nullptr) release(value);
        }
    } count{value};
    const ContextMap* before = map();
    auto after =
        before != nullptr ? std::make_unique<ContextMap>(*before) : std::make_unique<ContextMap>();
    auto at = after->entries.begin() + (after->lower_bound(variable) - after->entries.begin());
    const bool found = at != after->entries.end() && at->variable == variable;
    if (value == nullptr) {
        if (!found) return;
        release(at->value);
        after->entries.erase(at);
    } else if (found) {
        release(std::exchange(at->value, std::exchange(count.value, nullptr)));
    } else {
        after->entries.insert(at, {variable, value});
        count.value = nullptr;
    }
    if (ContextHolder* holder = holder_of(bits_)) {
        holder->map = after.release();
    } else {
        bits_ = reinterpret_cast<std::uintptr_t>(after.release());
    }
    release(before);
}

std::size_t ContextSlot::size() const noexcept {
    const ContextMap* values = map();
    return values != nullptr ? values->entries.size() : 0;
}

ContextHolder* ContextSlot::share() {
    ContextHolder* holder = holder_of(bits_);
    if (holder == nullptr) {
        holder = new ContextHolder;
        holder->map = map(); // takes over this slot's count
        bits_ = reinterpret_cast<std::uintptr_t>(holder) | holder_bit;
    }
    holder->refs.fetch_add(1, std::memory_order_relaxed);
    return holder;
}

ContextSlot ContextSlot::of(ContextHolder* holder) noexcept {
    holder->refs.fetch_add(1, std::memory_order_relaxed);
    ContextSlot slot;
    slot.bits_ = reinterpret_cast<std::uintptr_t>(holder) | holder_bit;
    return slot;
}

void release_holder(ContextHolder* holder) noexcept { release(holder); }

ContextSlot& thread_context() noexcept { return own_context; }

std::uint64_t new_context_variable() noexcept {
    static std::atomic<std::uint64_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed);
}

void enter(ContextHolder* holder) {
    if (holder->entered) {
        throw RuntimeError("cannot enter context: the context is already entered");
    }
    holder->entered = true;
}

void leave(ContextHolder* holder) noexcept { holder->entered = false; }

} // namespace detail

Context::Context() : holder_(new detail::ContextHolder) {}

Context::Context(const Context& other) noexcept : holder_(other.holder_) {
    holder_->refs.fetch_add(1, std::memory_order_relaxed);
}

Context::~Context() {
    if (holder_ != nullptr) detail::release_holder(holder_);
}

Context Context::copy() const {
    detail::ContextSlot snapshot(detail::ContextSlot::of(holder_));
    detail::ContextSlot copy(std::as_const(snapshot));
    return Context(copy.share());
}

std::size_t Context::size() const noexcept { return detail::ContextSlot::of(holder_).size(); }

Context::Entered::Entered(detail::ContextHolder* holder)
    : holder_(holder), slot_(detail::ContextSlot::of(holder)) {
    detail::enter(holder);
    before_ = std::exchange(detail::context_slot, &slot_);
}

Context::Entered::~Entered() {
    detail::context_slot = before_;
    detail::leave(holder_);
}

Context copy_context() {
    detail::ContextSlot copy(std::as_const(detail::current_context()));
    return Context(copy.share());
}

} // namespace asyncio
