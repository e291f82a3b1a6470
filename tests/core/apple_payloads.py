"""Facts of Apple's published payload definitions (github.com/apple/device-management, mdm/profiles and commands).

PAYLOADS[payload type][key, dotted within dictionaries] says what type the value has, whether the key has to be
there (in a dictionary: where that is), and which values are allowed. Only keys that may matter to us are copied.
"""

from typing import NamedTuple


class Fact(NamedTuple):
    type: type
    required: bool = False
    allowed: tuple = ()  # of an array: of its elements
    element: type | None = None


FLAG = Fact(int, allowed=(0, 1))
SIGN_IN = ("EmailAuthNone", "EmailAuthPassword", "EmailAuthCRAMMD5", "EmailAuthNTLM", "EmailAuthHTTPMD5")

COMMON = {
    "PayloadIdentifier": Fact(str, True),
    "PayloadUUID": Fact(str, True),
    "PayloadType": Fact(str, True),
    "PayloadVersion": Fact(int, True, (1,)),
    "PayloadDescription": Fact(str),
    "PayloadDisplayName": Fact(str),
    "PayloadOrganization": Fact(str),
}
TOP_LEVEL = COMMON | {
    "PayloadType": Fact(str, True, ("Configuration",)),
    "PayloadContent": Fact(list, True, element=dict),
    "PayloadScope": Fact(str, allowed=("System", "User")),
    "PayloadRemovalDisallowed": Fact(bool),
}
PAYLOADS = {
    "com.apple.wifi.managed": {
        "AutoJoin": Fact(bool),
        "SSID_STR": Fact(str),
        "HIDDEN_NETWORK": Fact(bool),
        "EncryptionType": Fact(str, allowed=("WEP", "WPA", "WPA2", "WPA3", "Any", "None")),
        "Password": Fact(str),
        "EAPClientConfiguration": Fact(dict),
        "EAPClientConfiguration.AcceptEAPTypes": Fact(list, True, (13, 17, 18, 21, 23, 25, 43), int),
        "EAPClientConfiguration.UserName": Fact(str),
        "EAPClientConfiguration.UserPassword": Fact(str),
        "EAPClientConfiguration.TLSTrustedServerNames": Fact(list, element=str),
        "EAPClientConfiguration.TTLSInnerAuthentication": Fact(
            str, allowed=("PAP", "EAP", "CHAP", "MSCHAP", "MSCHAPv2")
        ),
        "EAPClientConfiguration.OuterIdentity": Fact(str),
    },
    "com.apple.eas.account": {
        "EmailAddress": Fact(str),
        "Host": Fact(str),
        "SSL": Fact(bool),
        "OAuth": Fact(bool),
        "UserName": Fact(str),
        "Password": Fact(str),
        "PreventMove": Fact(bool),
        "MailNumberOfPastDaysToSync": Fact(int, allowed=(0, 1, 3, 7, 14, 31)),
    },
    "com.apple.mail.managed": {
        "EmailAccountDescription": Fact(str),
        "EmailAccountName": Fact(str),
        "EmailAccountType": Fact(str, True, ("EmailTypeIMAP", "EmailTypePOP")),
        "EmailAddress": Fact(str),
        "IncomingMailServerAuthentication": Fact(str, True, SIGN_IN),
        "IncomingMailServerHostName": Fact(str, True),
        "IncomingMailServerPortNumber": Fact(int),
        "IncomingMailServerUseSSL": Fact(bool),
        "IncomingMailServerUsername": Fact(str),
        "IncomingPassword": Fact(str),
        "OutgoingMailServerAuthentication": Fact(str, True, SIGN_IN),
        "OutgoingMailServerHostName": Fact(str, True),
        "OutgoingMailServerPortNumber": Fact(int),
        "OutgoingMailServerUseSSL": Fact(bool),
        "OutgoingMailServerUsername": Fact(str),
        "OutgoingPassword": Fact(str),
        "PreventMove": Fact(bool),
    },
    "com.apple.vpn.managed": {
        "VPNType": Fact(str, True, ("VPN", "L2TP", "IPSec", "IKEv2", "AlwaysOn", "TransparentProxy")),
        "UserDefinedName": Fact(str, True),
        "IKEv2": Fact(dict),
        "IKEv2.RemoteAddress": Fact(str, True),
        "IKEv2.LocalIdentifier": Fact(str, True),
        "IKEv2.RemoteIdentifier": Fact(str, True),
        "IKEv2.AuthenticationMethod": Fact(str, True, ("None", "SharedSecret", "Certificate")),
        "IKEv2.SharedSecret": Fact(str),
        "IKEv2.ExtendedAuthEnabled": FLAG,
        "IKEv2.AuthName": Fact(str),
        "IKEv2.AuthPassword": Fact(str),
        "IKEv2.ServerCertificateIssuerCommonName": Fact(str),
        "IKEv2.ServerCertificateCommonName": Fact(str),
        "IKEv2.DeadPeerDetectionRate": Fact(str, allowed=("None", "Low", "Medium", "High")),
        "IKEv2.EnablePFS": FLAG,
        "IKEv2.IncludeAllNetworks": FLAG,
        "IKEv2.IKESecurityAssociationParameters": Fact(dict),
        "IKEv2.IKESecurityAssociationParameters.EncryptionAlgorithm": Fact(
            str,
            allowed=("DES", "3DES", "AES-128", "AES-256", "AES-128-GCM", "AES-256-GCM", "ChaCha20Poly1305"),
        ),
        "IKEv2.IKESecurityAssociationParameters.IntegrityAlgorithm": Fact(
            str, allowed=("SHA1-96", "SHA1-160", "SHA2-256", "SHA2-384", "SHA2-512")
        ),
        "IKEv2.IKESecurityAssociationParameters.DiffieHellmanGroup": Fact(
            int, allowed=(1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 31, 32)
        ),
    },
    "com.apple.webClip.managed": {
        "URL": Fact(str, True),
        "Label": Fact(str, True),
        "Icon": Fact(bytes),
        "IsRemovable": Fact(bool),
        "FullScreen": Fact(bool),
        "Precomposed": Fact(bool),
    },
    # no payload: the item ApplicationConfiguration of the command Settings
    None: {
        "Identifier": Fact(str, True),
        "Configuration": Fact(dict),
    },
}
