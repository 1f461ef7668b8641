// SPDX-License-Identifier: MIT
// Counted pointer: what shows an object that counts those who show it.
#pragma once

#include <utility>

namespace asyncio::detail {

/// A counted pointer to something with add_ref() and release().
template <class S>
class Counted {
public:
    Counted() noexcept = default;
    explicit Counted(S* object) noexcept : object_(object) { // adds a count
        if (object_ != nullptr) object_->add_ref();
    }
    static Counted adopt(S* object) noexcept {
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
        if (object_ != nullptr) object_->release();
    }

    S* get() const noexcept { return object_; }
    S* operator->() const noexcept { return object_; }
    S& operator*() const noexcept { return *object_; }
    S* release_ownership() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const Counted&, const Counted&) noexcept = default;

private:
    S* object_ = nullptr;
};

} // namespace asyncio::detail
