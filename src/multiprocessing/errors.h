// SPDX-License-Identifier: MIT
// What pools of processes throw besides what the functions in them have thrown.
#pragma once

#include "asyncio/exceptions.h"
#include "asyncio/thread_pool.h"

#include <optional>
#include <string>

namespace multiprocessing {

/// A worker process has ended while it worked for this caller, or none can be started.
///
/// Source    CPython concurrent.futures.process.BrokenProcessPool.  Differs: a worker that ends is
///           its caller's error alone, another one takes its place; only a pool whose workers end
///           before they are ready is broken.
class BrokenProcessPool final : public asyncio::BrokenExecutor {
public:
    /// exitcode   as Python's: the exit code; -n: ended by signal n; nothing: it is not known
    explicit BrokenProcessPool(const std::string& message,
                               std::optional<int> exitcode = std::nullopt)
        : BrokenExecutor(message), exitcode_(exitcode) {}
    /// How the worker has ended, if one did and it is known.
    std::optional<int> exitcode() const noexcept { return exitcode_; }

private:
    std::optional<int> exitcode_;
};

/// A function that is not registered, or a value that cannot be packed or unpacked.
/// Source    Python's pickle.PicklingError.
struct PicklingError final : asyncio::Error {
    using Error::Error;
};

/// A function in a worker has thrown something that this program knows no name of; its type and
/// text have come through.
class RemoteError final : public asyncio::RuntimeError {
public:
    RemoteError(const std::string& type_name, const std::string& text);
    /// The type it had, as repr() writes it: "OutOfPaper".
    const std::string& type_name() const noexcept { return type_name_; }

private:
    std::string type_name_;
};

} // namespace multiprocessing
