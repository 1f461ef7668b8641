// SPDX-License-Identifier: MIT
// A computation in a coroutine, and in a pool of processes. Tutorial 001, 在 CPU 密集型任务中使用异步.
// Usage: 001-24_cpu_bound [N]   (10000000 by default)
#include <asyncio/asyncio.h>
#include <multiprocessing/multiprocessing.h>

#include "python_repr.h"

#include <iostream>
#include <string>
#include <vector>

// ❌ 异步对 CPU 密集型任务无效
asyncio::Coro<long> compute(long n) {
    long result = 0;
    for (long i = 0; i < n; ++i) result += i; // CPU 计算,不是 I/O 等待
    co_return result;
}

long compute_func(long n) {
    long result = 0;
    for (long i = 0; i < n; ++i) result += i;
    return result;
}

const multiprocessing::Registration functions[] = {{"compute_func", compute_func}};

int main(int argc, char** argv) {
    multiprocessing::freeze_support();
    const long n = argc > 1 ? std::stol(argv[1]) : 10000000;
    std::cout << "协程: " << asyncio::run(compute(n)) << '\n';

    // ✅ 应该用多进程
    multiprocessing::Pool pool(2);
    const std::vector<long> data_list{n, n / 2, n / 4, n / 8};
    const std::vector<long> results = pool.map(compute_func, data_list);
    std::cout << "多进程: " << python::repr(results) << '\n';
}
