// SPDX-License-Identifier: MIT
// Values as bytes, and back: what pickle is to Python, on cereal.
//
// All that cereal can write goes through, and the standard containers are known here. A type of
// yours has a function template `serialize(Archive& archive)` that calls archive(a, b, ...), and
// can be made without arguments.
#pragma once

#include "multiprocessing/errors.h"

#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <istream>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace multiprocessing {

namespace detail {

/// A stream's end that appends to a text.
class AppendingBuffer final : public std::streambuf {
public:
    explicit AppendingBuffer(std::string& text) noexcept : text_(text) {}

private:
    std::streamsize xsputn(const char* bytes, std::streamsize count) override {
        text_.append(bytes, static_cast<std::size_t>(count));
        return count;
    }
    int_type overflow(int_type byte) override {
        if (!traits_type::eq_int_type(byte, traits_type::eof())) {
            text_.push_back(traits_type::to_char_type(byte));
        }
        return traits_type::not_eof(byte);
    }

    std::string& text_; // LIFETIME: the writer's
};

/// A stream's end that reads a text in place.
class ViewBuffer final : public std::streambuf {
public:
    explicit ViewBuffer(std::string_view text) noexcept {
        char* const first = const_cast<char*>(text.data()); // it only reads
        setg(first, first, first + text.size());
    }
    std::size_t left() const noexcept { return static_cast<std::size_t>(egptr() - gptr()); }
};

} // namespace detail

/// Packs values one behind the other.
class Packer {
public:
    Packer() : buffer_(bytes_), stream_(&buffer_), archive_(stream_) {}

    /// Throws    PicklingError: a value cannot be written; what it has begun is taken back.
    template <class... Ts>
    Packer& add(const Ts&... values) {
        const std::size_t before = bytes_.size();
        try {
            archive_(values...);
        } catch (const cereal::Exception& error) {
            bytes_.resize(before);
            throw PicklingError(error.what());
        } catch (...) {
            bytes_.resize(before);
            throw;
        }
        return *this;
    }
    /// What was packed; up to a mark, the rest is taken back.
    std::size_t mark() const noexcept { return bytes_.size(); }
    void take_back(std::size_t mark) { bytes_.resize(mark); }
    std::string take() && { return std::move(bytes_); }

private:
    std::string bytes_;
    detail::AppendingBuffer buffer_;
    std::ostream stream_;
    cereal::BinaryOutputArchive archive_;
};

/// Takes values out again, in the order in which they were packed.
///
/// Lifetime  the bytes must stay until it goes.
class Unpacker {
public:
    explicit Unpacker(std::string_view bytes)
        : buffer_(bytes), stream_(&buffer_), archive_(stream_) {}

    /// Throws    PicklingError: there are too few bytes, or they are no T.
    template <class T>
    T take() {
        T value{};
        try {
            archive_(value);
        } catch (const cereal::Exception& error) {
            throw PicklingError(error.what());
        }
        return value;
    }
    bool at_end() const noexcept { return buffer_.left() == 0; }
    std::size_t left() const noexcept { return buffer_.left(); } // bytes

private:
    detail::ViewBuffer buffer_;
    std::istream stream_;
    cereal::BinaryInputArchive archive_;
};

} // namespace multiprocessing
