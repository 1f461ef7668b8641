// SPDX-License-Identifier: MIT
// A counted pointer, to objects that bring their own count.
#pragma once

#include <utility>

namespace asyncio::base {

/// Holds one count of a T, or nothing. T has members add_ref() and release(), or its namespace has
/// `add_ref(T*)` and `release(T*)`.
///
/// Thread    as the count of T allows.
template <class T>
class Counted {
public:
    Counted() noexcept = default;
    explicit Counted(T* object) noexcept : object_(object) { // adds a count
        if (object != nullptr) add();
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
        if (object_ != nullptr) take_back();
    }

    T* get() const noexcept { return object_; } // null: empty
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    /// Gives its count to the caller.
    T* release_ownership() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const Counted&, const Counted&) noexcept = default;

private:
    void add() noexcept {
        if constexpr (requires(T& object) { object.add_ref(); }) {
            object_->add_ref();
        } else {
            add_ref(object_);
        }
    }
    void take_back() noexcept {
        if constexpr (requires(T& object) { object.release(); }) {
            object_->release();
        } else {
            release(object_);
        }
    }

    T* object_ = nullptr;
};

} // namespace asyncio::base
