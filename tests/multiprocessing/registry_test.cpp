// SPDX-License-Identifier: MIT
// Names: of functions, of exceptions, and those that are given twice.
#include "multiprocessing/registry.h"

#include "asyncio/testing/testing.h"
#include "multiprocessing/freeze_support.h"
#include "support/child_process.h"

using namespace multiprocessing;

namespace {

int one() { return 1; }
int two() { return 2; }
int nameless() { return 3; }

const Registration functions[] = {{"registry.one", one}, {"registry.two", two}};

struct OutOfPaper : asyncio::RuntimeError {
    using RuntimeError::RuntimeError;
};
const ExceptionRegistration<OutOfPaper> out_of_paper("OutOfPaper");

template <class R>
void (*erased(R (*function)()))() {
    return reinterpret_cast<void (*)()>(function);
}

} // namespace

TEST("MP01: a registered function is found by its name, and its name by the function") {
    CHECK(name_of(erased(one)) != nullptr && *name_of(erased(one)) == "registry.one");
    CHECK(name_of(erased(two)) != nullptr && *name_of(erased(two)) == "registry.two");
    CHECK(name_of(erased(nameless)) == nullptr);
    Packer calls;
    pack_call<>(calls);
    const auto batch = unpack_batch<int>(run_registered("registry.two", std::move(calls).take()));
    CHECK_EQ(batch.results.at(0), 2);
}

TEST("MP01: a name that a worker does not know is a PicklingError of the call") {
    const auto batch = unpack_batch<int>(run_registered("registry.three", ""));
    CHECK(asyncio::is_exception<PicklingError>(batch.error));
    CHECK_EQ(asyncio::message_of(batch.error),
             "no function is registered as 'registry.three' in the worker");
}

TEST("MP01: a name for two functions is refused by freeze_support, the same function is not") {
    const auto ended = support::in_child([] {
        const Registration again("registry.one", one);
        freeze_support();
        const Registration other("registry.one", two);
        CHECK_THROWS_MSG(freeze_support(), asyncio::RuntimeError,
                         "two are registered as 'registry.one'");
    });
    CHECK(ended.exited(0));
}

TEST("MP01: a name for two exceptions is refused as well") {
    const auto ended = support::in_child([] {
        const ExceptionRegistration<PicklingError> other("OutOfPaper");
        CHECK_THROWS_AS(freeze_support(), asyncio::RuntimeError);
    });
    CHECK(ended.exited(0));
}
