"""The vendor's classes: every one has a product, and what is not billed says why."""

from __future__ import annotations

import pytest
from syncd_ninjaone.classes import CLASSES, NAMES, PRODUCT_KEY, products
from syncd_ninjaone.exclusions import Kinds

from tests.builders_ninjaone import config

VENDOR_CLASSES = {
    "WINDOWS_SERVER", "WINDOWS_WORKSTATION", "LINUX_WORKSTATION", "MAC", "ANDROID", "APPLE_IOS",
    "APPLE_IPADOS", "VMWARE_VM_HOST", "VMWARE_VM_GUEST", "HYPERV_VMM_HOST", "HYPERV_VMM_GUEST",
    "LINUX_SERVER", "MAC_SERVER", "CLOUD_MONITOR_TARGET", "NMS_SWITCH", "NMS_ROUTER",
    "NMS_FIREWALL", "NMS_PRIVATE_NETWORK_GATEWAY", "NMS_PRINTER", "NMS_SCANNER",
    "NMS_DIAL_MANAGER", "NMS_WAP", "NMS_IPSLA", "NMS_COMPUTER", "NMS_VM_HOST", "NMS_APPLIANCE",
    "NMS_OTHER", "NMS_SERVER", "NMS_PHONE", "NMS_VIRTUAL_MACHINE",
    "NMS_NETWORK_MANAGEMENT_AGENT", "UNMANAGED_DEVICE", "MANAGED_DEVICE",
}  # fmt: skip

COUNTED = {
    "WINDOWS_WORKSTATION": "device:workstation",
    "LINUX_WORKSTATION": "device:workstation",
    "MAC": "device:workstation",
    "WINDOWS_SERVER": "device:server",
    "LINUX_SERVER": "device:server",
    "MAC_SERVER": "device:server",
    "VMWARE_VM_HOST": "device:vm_host",
    "HYPERV_VMM_HOST": "device:vm_host",
    "VMWARE_VM_GUEST": "device:vm_guest",
    "HYPERV_VMM_GUEST": "device:vm_guest",
    "ANDROID": "device:mobile",
    "APPLE_IOS": "device:mobile",
    "APPLE_IPADOS": "device:mobile",
    "CLOUD_MONITOR_TARGET": "device:cloud_monitor",
    "NMS_SWITCH": "device:network",
    "NMS_ROUTER": "device:network",
    "NMS_FIREWALL": "device:network",
    "NMS_PRIVATE_NETWORK_GATEWAY": "device:network",
    "NMS_WAP": "device:network",
    "NMS_APPLIANCE": "device:network",
    "NMS_OTHER": "device:network",
    "NMS_DIAL_MANAGER": "device:network",
    "NMS_IPSLA": "device:network",
    "NMS_PHONE": "device:network",
    "NMS_PRINTER": "device:network",
    "NMS_SCANNER": "device:network",
}

NOT_COUNTED = {
    "NMS_COMPUTER": "network_discovered",
    "NMS_SERVER": "network_discovered",
    "NMS_VM_HOST": "network_discovered",
    "NMS_VIRTUAL_MACHINE": "network_discovered",
    "NMS_NETWORK_MANAGEMENT_AGENT": "probe",
    "UNMANAGED_DEVICE": "unmanaged",
    "MANAGED_DEVICE": "unmanaged",
}


def test_the_table_holds_exactly_the_33_classes_of_the_vendor():
    assert len(VENDOR_CLASSES) == 33
    assert set(CLASSES) == VENDOR_CLASSES == COUNTED.keys() | NOT_COUNTED.keys()


@pytest.mark.parametrize(("name", "product"), COUNTED.items())
def test_a_managed_class_counts_under_its_product(name, product):
    kind = Kinds(config())[name, "APPROVED", None]
    assert (kind.product, kind.reason) == (product, None)


@pytest.mark.parametrize(("name", "reason"), NOT_COUNTED.items())
def test_a_class_that_is_no_managed_device_is_excluded_with_its_reason(name, reason):
    assert Kinds(config())[name, "APPROVED", None].reason == reason


@pytest.mark.parametrize("name", ["NMS_FUTURE", "LINUX", "", None])
def test_a_class_the_vendor_adds_later_is_kept_and_never_counted(name):
    kind = Kinds(config())[name, "APPROVED", None]
    assert (kind.product, kind.reason) == ("device:other", "unknown_class")


def test_every_product_of_the_table_is_offered_once_with_a_name():
    offered = products(())
    keys = [product.key for product in offered]
    assert len(set(keys)) == len(keys)
    assert {product for product, _ in CLASSES.values()} <= set(keys) == set(NAMES)
    assert all(PRODUCT_KEY.match(key) for key in keys)


def test_an_override_offers_its_product_under_a_readable_name():
    assert products(["device:kiosk_pc", "device:server"])[-1].name == "Kiosk pc"
    assert len(products(["device:kiosk_pc", "device:server"])) == len(NAMES) + 1
