# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar in German and Chinese. Blender looks texts up itself; what is missing here stays English."""

import bpy

from . import preferences

LOCALES = ("de_DE", "zh_HANS")
CONTEXTS = ("*", "Operator")
# English: German, Chinese
TEXTS = {
    "Add Armature": ("Skelett hinzufügen", "添加骨架"),
    "Add Studio": ("Studio hinzufügen", "添加影棚"),
    "Add Words": ("Wörter hinzufügen", "添加词语"),
    "Best There Is": ("Die besten", "最佳可用"),
    "Both": ("Beides", "两者"),
    "Brows": ("Brauen", "眉毛"),
    "By the Words": ("Nach den Worten", "按词语"),
    "Cancel": ("Abbrechen", "取消"),
    "Cancelled": ("Abgebrochen", "已取消"),
    "Cancelling": ("Wird abgebrochen", "正在取消"),
    "Candidates": ("Kandidaten", "候选"),
    "Changes": ("Ändert", "更改"),
    "Cheeks": ("Wangen", "脸颊"),
    "Compact": ("Verdichten", "精简"),
    "Compare Side by Side": ("Nebeneinander vergleichen", "并排比较"),
    "Copy Edits to Head": ("Änderungen auf Kopf kopieren", "将编辑复制到头部"),
    "Copy Report": ("Bericht kopieren", "复制报告"),
    "Create": ("Erstellen", "创建"),
    "Delete Step": ("Schritt löschen", "删除步骤"),
    "Dismiss": ("Ausblenden", "关闭"),
    "Drop Word": ("Wort streichen", "删除词语"),
    "Edit": ("Ändern", "编辑"),
    "Edits appear here": ("Hier erscheinen Änderungen", "编辑会显示在这里"),
    "Export": ("Exportieren", "导出"),
    "Export Head": ("Kopf exportieren", "导出头部"),
    "Expressions": ("Mimik", "表情"),
    "Eyes": ("Augen", "眼睛"),
    "Face": ("Gesicht", "面部"),
    "From the Chosen Head": ("Vom gewählten Kopf aus", "从所选头部开始"),
    "Fetch": ("Holen", "获取"),
    "Full": ("Voll", "完整"),
    "Generate": ("Erzeugen", "生成"),
    "Generate or import a face first": ("Zuerst ein Gesicht erzeugen oder importieren", "请先生成或导入面部"),
    "Go On": ("Fortfahren", "继续"),
    "Help": ("Hilfe", "帮助"),
    "History": ("Verlauf", "历史"),
    "Import": ("Importieren", "导入"),
    "Import Facewright Face": ("Facewright-Gesicht importieren", "导入 Facewright 面部"),
    "Install": ("Installieren", "安装"),
    "Instruction": ("Anweisung", "指令"),
    "Jaw": ("Kiefer", "下颌"),
    "Keep Away From": ("Fernhalten von", "避免"),
    "Keep Step": ("Schritt behalten", "保留步骤"),
    "Later": ("Später", "稍后"),
    "Layers": ("Ebenen", "图层"),
    "Looking at this computer": ("Sieht sich diesen Rechner an", "正在检查此计算机"),
    "Mark as Asset": ("Als Asset markieren", "标记为资产"),
    "More": ("Mehr", "更多"),
    "Mouth": ("Mund", "嘴巴"),
    "Move Layer": ("Ebene verschieben", "移动图层"),
    "Mute": ("Stumm", "静音"),
    "Neck and Shoulders": ("Hals und Schultern", "颈部和肩膀"),
    "Networks": ("Netze", "网络"),
    "New Head": ("Neuer Kopf", "新建头部"),
    "No head is chosen": ("Kein Kopf gewählt", "未选择头部"),
    "No slider is called that": ("So heißt kein Regler", "没有此名称的滑块"),
    "Nose": ("Nase", "鼻子"),
    "Open Log": ("Protokoll öffnen", "打开日志"),
    "Open Preferences": ("Einstellungen öffnen", "打开偏好设置"),
    "Peek": ("Kurz zeigen", "预览"),
    "Person": ("Person", "人物"),
    "Preferences": ("Einstellungen", "偏好设置"),
    "Prompt": ("Beschreibung", "提示词"),
    "Reading the face": ("Gesicht wird gelesen", "正在读取面部"),
    "Ready": ("Bereit", "就绪"),
    "Region": ("Bereich", "区域"),
    "Reset": ("Zurücksetzen", "重置"),
    "Reset Group": ("Gruppe zurücksetzen", "重置组"),
    "Revert to Step": ("Zu Schritt zurückkehren", "恢复到步骤"),
    "Save Texture": ("Textur speichern", "保存纹理"),
    "Search": ("Suchen", "搜索"),
    "Seed": ("Startwert", "种子"),
    "Set Expression": ("Mimik setzen", "设置表情"),
    "Set Up": ("Einrichten", "设置"),
    "Set-up": ("Einrichtung", "设置"),
    "Shape": ("Form", "形状"),
    "Show Textures": ("Texturen zeigen", "显示纹理"),
    "Skin and paint": ("Haut und Farbe", "皮肤与彩绘"),
    "Starter": ("Einstieg", "入门"),
    "Stop": ("Anhalten", "停止"),
    "Stop Now": ("Jetzt anhalten", "立即停止"),
    "Stopping": ("Wird angehalten", "正在停止"),
    "Strength": ("Stärke", "强度"),
    "Switch Shape or Texture on": ("Form oder Textur einschalten", "请启用形状或纹理"),
    "Try Again": ("Noch einmal", "重试"),
    "Texture": ("Textur", "纹理"),
    "Texture Words": ("Wörter für die Textur", "纹理词语"),
    "Textures": ("Texturen", "纹理"),
    "This head model has no sliders": ("Dieses Kopfmodell hat keine Regler", "此头部模型没有滑块"),
    "Tongue": ("Zunge", "舌头"),
    "Untextured view": ("Ansicht ohne Texturen", "无纹理视图"),
    "Words": ("Wörter", "词语"),
    "Write what should change": ("Schreiben, was anders werden soll", "请输入要更改的内容"),
    "Write what the face should look like": ("Schreiben, wie das Gesicht aussehen soll", "请描述面部的样子"),
}


def register() -> None:
    tables = {
        locale: {(context, text): words[index] for text, words in TEXTS.items() for context in CONTEXTS}
        for index, locale in enumerate(LOCALES)
    }
    bpy.app.translations.register(preferences.PACKAGE, tables)


def unregister() -> None:
    bpy.app.translations.unregister(preferences.PACKAGE)
