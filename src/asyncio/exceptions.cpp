// SPDX-License-Identifier: MIT
// Text forms of exceptions, and the tree operations of exception groups.
#include "asyncio/exceptions.h"

#include "asyncio/format_helpers.h"

#include <cstring>

namespace asyncio {

namespace {

std::string last_part(const std::string& qualified) {
    const std::size_t args = qualified.find('<');
    const std::size_t colon = qualified.rfind("::", args);
    return colon == std::string::npos ? qualified : qualified.substr(colon + 2);
}

bool is_std_exception(const std::exception_ptr& error) {
    return is_exception<std::exception>(error);
}

} // namespace

namespace detail {

const std::type_info* type_of(const std::exception_ptr& error) noexcept {
    return error ? error.__cxa_exception_type() : nullptr;
}

void* object_of(const std::exception_ptr& error) noexcept {
    // The Itanium C++ ABI's exception_ptr is a pointer to the thrown object and nothing else.
    static_assert(sizeof(std::exception_ptr) == sizeof(void*));
    void* object = nullptr;
    // NOLINTNEXTLINE(bugprone-undefined-memory-manipulation): a look, not a copy.
    std::memcpy(&object, &error, sizeof object);
    return object;
}

} // namespace detail

std::string type_name(const std::exception_ptr& error) {
    const std::type_info* type = detail::type_of(error);
    if (type == nullptr) return "None";
    if (*type == typeid(MixedExceptionGroup)) return "BaseExceptionGroup";
    return last_part(detail::demangled(*type));
}

std::string message_of(const std::exception_ptr& error) {
    if (!error) return {};
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (const BaseException& e) {
        return e.message();
    } catch (...) {
        return {};
    }
}

namespace {

std::string repr_of(const std::string& name, const std::string& message) {
    return message.empty() ? name + "()" : name + "(" + detail::quoted(message) + ")";
}

} // namespace

std::string repr(const std::exception_ptr& error) {
    if (!error) return "None";
    return repr_of(type_name(error), message_of(error));
}

std::string repr(const std::exception& error) {
    return repr_of(last_part(detail::demangled(typeid(error))), error.what());
}

std::string repr(const BaseException& error) {
    return repr_of(last_part(detail::demangled(typeid(error))), error.message());
}

IncompleteReadError::IncompleteReadError(std::string partial_bytes,
                                         std::optional<std::size_t> expected_bytes)
    : EOFError(std::to_string(partial_bytes.size()) + " bytes read on a total of " +
               (expected_bytes ? std::to_string(*expected_bytes) : "undefined") +
               " expected bytes"),
      partial(std::move(partial_bytes)), expected(expected_bytes) {}

struct BaseExceptionGroup::Contents {
    std::string message;
    std::vector<std::exception_ptr> exceptions;
    std::string text;
};

BaseExceptionGroup::BaseExceptionGroup(std::string message,
                                       std::vector<std::exception_ptr> exceptions) {
    if (exceptions.empty()) {
        throw ValueError("second argument (exceptions) must be a non-empty sequence");
    }
    const std::size_t count = exceptions.size();
    std::string text = message + " (" + std::to_string(count) +
                       (count == 1 ? " sub-exception)" : " sub-exceptions)");
    contents_ = std::make_shared<const Contents>(
        Contents{std::move(message), std::move(exceptions), std::move(text)});
}

const std::string& BaseExceptionGroup::message() const noexcept { return contents_->message; }

std::span<const std::exception_ptr> BaseExceptionGroup::exceptions() const noexcept {
    return contents_->exceptions;
}

const char* BaseExceptionGroup::group_text() const noexcept { return contents_->text.c_str(); }

MixedExceptionGroup::MixedExceptionGroup(std::string message,
                                         std::vector<std::exception_ptr> exceptions)
    : BaseExceptionGroup(std::move(message), std::move(exceptions)),
      BaseException(BaseExceptionGroup::group_text()) {}

ExceptionGroup::ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions)
    : BaseExceptionGroup(std::move(message), std::move(exceptions)) {
    for (const std::exception_ptr& error : this->exceptions()) {
        if (!is_std_exception(error)) {
            throw TypeError("Cannot nest BaseExceptions in an ExceptionGroup");
        }
    }
}

std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>>
ExceptionGroup::split_by(Match match) const {
    std::vector<std::exception_ptr> matching;
    std::vector<std::exception_ptr> rest;
    for (const std::exception_ptr& error : exceptions()) {
        if (match(error)) {
            matching.push_back(error);
            continue;
        }
        const bool nested =
            detail::visit_exception<ExceptionGroup>(error, [&](const ExceptionGroup& group) {
                auto parts = group.split_by(match);
                if (parts.first) matching.push_back(std::make_exception_ptr(*parts.first));
                if (parts.second) rest.push_back(std::make_exception_ptr(*parts.second));
            });
        if (!nested) rest.push_back(error);
    }
    std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> parts;
    if (!matching.empty()) parts.first.emplace(message(), std::move(matching));
    if (!rest.empty()) parts.second.emplace(message(), std::move(rest));
    return parts;
}

void ExceptionGroup::flatten_into(std::vector<std::exception_ptr>& leaves) const {
    for (const std::exception_ptr& error : exceptions()) {
        const bool nested = detail::visit_exception<ExceptionGroup>(
            error, [&](const ExceptionGroup& group) { group.flatten_into(leaves); });
        if (!nested) leaves.push_back(error);
    }
}

std::exception_ptr make_exception_group(std::string message,
                                        std::vector<std::exception_ptr> exceptions) {
    for (const std::exception_ptr& error : exceptions) {
        if (!is_std_exception(error)) {
            return std::make_exception_ptr(
                MixedExceptionGroup(std::move(message), std::move(exceptions)));
        }
    }
    return std::make_exception_ptr(ExceptionGroup(std::move(message), std::move(exceptions)));
}

} // namespace asyncio
