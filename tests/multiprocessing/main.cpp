// SPDX-License-Identifier: MIT
// main() of this test program: the workers of its pools are this program, too. With a role in its
// environment, it is a program of a case of freeze_support_test.cpp.
#include "asyncio/testing/testing.h"
#include "multiprocessing/freeze_support.h"
#include "multiprocessing/roles.h"

int main(int argc, char** argv) {
    if (const auto ended = roles::before_freeze_support(argc)) return *ended;
    multiprocessing::freeze_support();
    if (const auto ended = roles::after_freeze_support()) return *ended;
    return asyncio::testing::run_all(argc, argv);
}
