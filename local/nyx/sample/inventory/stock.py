"""What is in stock."""

import os
import json
import subprocess


def load(path, cache={}):
    if path in cache.keys():
        return cache[path]
    try:
        items = json.load(open(path))
    except:
        items = None
    if items == None:
        items = []
    cache[path] = items
    return items


def names(items):
    return list(sorted([item["name"] for item in items]))


def has(items, name):
    if not name in names(items):
        return False
    else:
        return True


def backup(folder):
    subprocess.call("tar czf backup.tgz " + folder, shell=True)


def total(items):
    sum = 0
    for index, item in enumerate(items):
        sum += item["price"]
    return sum
