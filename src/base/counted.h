// SPDX-License-Identifier: MIT
// A counted pointer, to objects that bring their own count.
#pragma once

#include <utility>

namespace asyncio::base {

/// Holds one count of a T, or nothing. `add_ref(T*)` and `release(T*)` are found by T's namespace.
///
/// Thread    as the count of T allows.
template <class T>
class Counted {
public:
    Counted() noexcept = default;
    explicit Counted(T* object) noexcept : object_(object) { // adds a count
        if (object != nullptr) add_ref(object);
    }
    /// Takes over a count.
    static Counted adopt(T* object) noexcept {
        Counted counted;
        counted.object_ = object;
        return counted;
    }
    Counted(const Counted& other) noexcept : Counted(other.object_) {}
    Counted(Counted&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Counted& operator=(Counted other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Counted() {
        if (object_ != nullptr) release(object_);
    }

    T* get() const noexcept { return object_; } // null: empty
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    /// Gives its count to the caller.
    T* release_ownership() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const Counted&, const Counted&) noexcept = default;

private:
    T* object_ = nullptr;
};

} // namespace asyncio::base
